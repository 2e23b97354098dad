"""The command line as `python -m app`, for where the console script is not installed."""

from app.cli import main

if __name__ == "__main__":
    main()
