"""Commands of the service's parts; app/cli.py adds them to its own."""
