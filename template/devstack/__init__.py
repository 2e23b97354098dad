"""The real servers of this service on this machine, from wheels: for `uv run dev` and the tests."""
