"""Examples: the feature to copy when you start one of your own."""
