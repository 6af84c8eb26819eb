"""The business modules that come with Comptoir; each folder is one plugin."""
