"""Notices that the whole program was suspended: such a time counts towards no limit."""

import time
from typing import Final

POLL_SECONDS: Final = 1.0
"""How often whoever asks must look, at least."""

_SUSPENDED_SECONDS: Final = 2.0


class SuspensionClock:
    """Notices that this process was stopped between two looks at least once a second."""

    def __init__(self) -> None:
        """Start now."""
        self._looked = time.monotonic()

    def seconds_suspended(self) -> float:
        """Return for how long the process did not run since the last look; mostly 0."""
        before, self._looked = self._looked, time.monotonic()
        gap = self._looked - before - POLL_SECONDS
        return gap if gap > _SUSPENDED_SECONDS else 0.0
