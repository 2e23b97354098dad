"""`uv run dev`."""


def main() -> None:
    """Run everything."""
