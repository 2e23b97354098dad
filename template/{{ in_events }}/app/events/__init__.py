"""Events: what this service tells others and hears from them."""
