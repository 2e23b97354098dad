"""The settings of each part; app/core/config.py combines them into one class."""
