"""Marks in the user's cache folder that something passed its checks, so that it is not read twice.

A mark is an empty file named by a hash: nothing can be half written, and processes need no lock. It
stands in the user's own cache folder, never beside what was checked, which somebody may have sent.
To delete the folder is always safe: everything is then checked again.
"""

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dvtr_bench.runtime.writing import say_not_kept

_KEPT_SECONDS: Final = 90 * 24 * 3600
"""Marks of other checks are deleted after this time without a new one."""


@dataclass(frozen=True)
class CheckedMarks:
    """The marks of one kind of thing.

    Attributes:
        kind: What is checked, such as ``results``.
        said: What is said to be not kept where the folder cannot be written, with its verb.
    """

    kind: str
    said: str

    def folder(self) -> Path:
        """Return the folder, ``dvtr-bench/checked-KIND`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.

        Raises:
            RuntimeError: There is no home.
        """
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return Path(caches).expanduser() / "dvtr-bench" / f"checked-{self.kind}"

    def has(self, checks: str, name: str) -> bool:
        """Tell whether something passed its checks before.

        Args:
            checks: Hash of all that the checks depend on, 64 hex digits.
            name: Hash of what is checked.
        """
        try:
            return self._mark(checks, name).exists()
        except (OSError, RuntimeError):  # no folder that can be read, or no home
            return False

    def add(self, checks: str, name: str) -> None:
        """Remember that something passed; where that cannot be written, it is said once.

        Args:
            checks: As for `has`.
            name: As for `has`.
        """
        with suppress(RuntimeError):  # no home
            mark = self._mark(checks, name)
            try:
                if not mark.parent.exists():
                    mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    _forget_old(mark.parent)
                mark.touch()
            except OSError as failure:
                say_not_kept(self.said, self.folder(), failure)

    def _mark(self, checks: str, name: str) -> Path:
        return self.folder() / checks[:16] / name


def _forget_old(current: Path) -> None:
    for folder in current.parent.iterdir():
        if folder != current and time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
