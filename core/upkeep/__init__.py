"""What keeps an installation in order: what is known of its modules, and the removal of their data."""
