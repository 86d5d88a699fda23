"""Detect that the program was suspended; such time counts towards no limit."""

import time
from typing import Final

POLL_SECONDS: Final = 1.0
"""Longest time between two calls of `seconds_suspended`."""

_SUSPENDED_SECONDS: Final = 2.0


class SuspensionClock:
    """Detects that this process was stopped between two calls of `seconds_suspended`."""

    def __init__(self) -> None:
        """Start now."""
        self._looked = time.monotonic()

    def seconds_suspended(self) -> float:
        """Return how long the process did not run since the last call; mostly 0."""
        before, self._looked = self._looked, time.monotonic()
        gap = self._looked - before - POLL_SECONDS
        return gap if gap > _SUSPENDED_SECONDS else 0.0
