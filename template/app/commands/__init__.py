"""Commands of the service's parts; app/cli.py registers them."""
