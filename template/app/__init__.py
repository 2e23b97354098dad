"""The service."""

import gc
from typing import Final

COLLECT_AFTER: Final = 20_000
"""New objects after which Python looks for garbage in circles.

By default it does so every few hundred, which thirty requests at once make all the time: up to a
third of the processor's time went there. Most garbage is in no circle, and goes at once.
"""

gc.set_threshold(COLLECT_AFTER, 20, 50)
