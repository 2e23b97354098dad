"""The settings of each part; app/core/config.py makes one class of them."""
