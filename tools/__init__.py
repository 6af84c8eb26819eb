"""Tools of developers; no part of an installation."""
