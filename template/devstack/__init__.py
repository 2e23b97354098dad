"""The service on this machine, during development: `uv run dev`."""
