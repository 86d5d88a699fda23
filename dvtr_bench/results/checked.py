"""Which result files were checked before, so that their figures need not be computed again.

To check a file takes a bootstrap, several times as long as to read it. A file that passed is
remembered by the SHA-256 of its bytes, together with the protocol's version, the figures that there
are, and the code that computes them: a changed file, another set of metrics and another version of
the code are checked anew.

What is promised: a file passes unchecked only when the cache folder of this user says that its very
bytes passed before. The memory is never kept beside the results, so files of others cannot bring
one along. Who can write into the cache folder of a user can make a forged file pass, as they could
by changing the user's programs. To check everything anew, delete the folder; to do so is always
safe.

It is ``dvtr-bench/checked-results`` in ``$XDG_CACHE_HOME``, else in ``~/.cache``. Each file is
remembered by an empty file whose name is the hash, which is there or not there: nothing can be half
written, and several processes need not wait for each other. Where nothing can be written, every
file is checked at every read.
"""

import hashlib
import inspect
import os
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from dvtr_bench import metrics, ranking
from dvtr_bench.catalog import METRICS
from dvtr_bench.errors import DvtrError
from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.ranking.figures import figure_names

_KEPT_SECONDS: Final = 90 * 24 * 3600
"""What other versions of the code checked is forgotten after so long without a new file."""


def checked_folder() -> Path:
    """Return where it is kept which files were checked."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "dvtr-bench" / "checked-results"


def was_checked(content: bytes) -> bool:
    """Say whether a file passed its checks before.

    Args:
        content: The file's bytes.

    Returns:
        True when this very content passed those checks that would be made now.
    """
    try:
        return _entry(content).exists()
    except (OSError, RuntimeError):  # no folder, or no home
        return False


def remember_checked(content: bytes) -> None:
    """Remember that a file passed its checks; where nothing can be written, it is forgotten.

    Args:
        content: The file's bytes.
    """
    with suppress(OSError, RuntimeError):
        entry = _entry(content)
        if not entry.parent.exists():
            entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _forget_old(entry.parent)
        entry.touch()


def _entry(content: bytes) -> Path:
    kind = "\n".join((_code_sha256(tuple(METRICS.names())), str(PROTOCOL_VERSION), *figure_names()))
    checks = hashlib.sha256(kind.encode()).hexdigest()
    return checked_folder() / checks[:16] / hashlib.sha256(content).hexdigest()


@cache
def _code_sha256(metric_names: tuple[str, ...]) -> str:
    """Hash the code that figures and checks depend on; metrics of plug-ins are part of it."""
    digest = hashlib.sha256()
    for file in (inspect.getfile(metrics), inspect.getfile(ranking), __file__):
        for path in sorted(Path(file).parent.rglob("*.py")):
            digest.update(path.read_bytes())
    for name in metric_names:
        with suppress(DvtrError):  # one that cannot be loaded gives no figures
            digest.update(inspect.getsource(METRICS.load(name)).encode())
    return digest.hexdigest()


def _forget_old(current: Path) -> None:
    for folder in current.parent.iterdir():
        if folder != current and time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
