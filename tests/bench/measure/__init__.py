"""Measures a rendered service. Runs inside of it, in its environment; see `tests/bench/README`."""
