"""Comptoir's core: the plugin contract, fields, unit of work, runtime and generic pages."""

__version__ = "0.1.0"
