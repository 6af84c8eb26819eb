"""What tests need, for Comptoir's own and those of plugin authors; nothing here is imported while serving."""
