"""Checks of the backing services for the command line and `scripts/`."""
