"""Run the command line as `python -m app` if the console script is not installed."""

from app.cli import main

if __name__ == "__main__":
    main()
