"""Examples: copy this feature to start your own."""
