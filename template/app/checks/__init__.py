"""What the command line and `scripts/` find out about the backing services."""
