"""Remember which result files passed their checks, so that none is checked twice.

Checking a file runs a bootstrap, which takes several times as long as reading it. A file that
passed is remembered by the SHA-256 of its bytes, the protocol version, the names of all figures and
a hash of the code that computes them. A change of any of these causes a new check.

A file is accepted without a check only if this user's cache folder says that the same bytes passed
before. The cache is never stored beside the results, so downloaded results cannot bring one along.
Whoever can write to the user's cache folder can make a forged file pass, just as they could change
the user's programs. Deleting the folder is always safe: everything is then checked again.

The folder is ``dvtr-bench/checked-results`` in ``$XDG_CACHE_HOME`` or ``~/.cache``. Each checked
file is an empty file named by the hash, so nothing can be half written and processes need no lock.
If the folder cannot be written, that is said once, and every file is checked at every read.
"""

import hashlib
import inspect
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from dvtr_bench import metrics, ranking
from dvtr_bench.catalog import METRICS
from dvtr_bench.errors import DvtrError
from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.ranking.bootstrap import bound_interval, is_at_bound
from dvtr_bench.ranking.figures import Figure, figure_names, full_share
from dvtr_bench.ranking.group_figures import GroupFigure, GroupFigures
from dvtr_bench.results.record import RunRecord
from dvtr_bench.runtime.writing import say_not_kept

_KEPT_SECONDS: Final = 90 * 24 * 3600
"""Entries of other code versions are deleted after this time without a new file."""


def checked_folder() -> Path:
    """Return the cache folder of checked files."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "dvtr-bench" / "checked-results"


def was_checked(content: bytes) -> bool:
    """Tell whether a file passed its checks before.

    Args:
        content: The file's bytes.

    Returns:
        True when the same bytes passed the same checks before.
    """
    try:
        return _entry(content).exists()
    except (OSError, RuntimeError):  # no folder, or no home
        return False


def remember_checked(content: bytes) -> None:
    """Remember that a file passed its checks, if the cache folder can be written.

    Args:
        content: The file's bytes.
    """
    with suppress(RuntimeError):  # no home
        entry = _entry(content)
        try:
            if not entry.parent.exists():
                entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _forget_old(entry.parent)
            entry.touch()
        except OSError as failure:
            say_not_kept("checks of result files are", checked_folder(), failure)


def _entry(content: bytes) -> Path:
    facts = "\n".join(
        (_code_sha256(tuple(METRICS.names())), str(PROTOCOL_VERSION), *figure_names())
    )
    checks = hashlib.sha256(facts.encode()).hexdigest()
    return checked_folder() / checks[:16] / hashlib.sha256(content).hexdigest()


@cache
def _code_sha256(metric_names: tuple[str, ...]) -> str:
    """Hash the code that figures and checks depend on, including metrics of plug-ins."""
    digest = hashlib.sha256()
    for file in (inspect.getfile(metrics), inspect.getfile(ranking), __file__):
        for path in sorted(Path(file).parent.rglob("*.py")):
            digest.update(path.read_bytes())
    for name in metric_names:
        with suppress(DvtrError):  # a metric that cannot be loaded gives no figures
            digest.update(inspect.getsource(METRICS.load(name)).encode())
    return digest.hexdigest()


def _forget_old(current: Path) -> None:
    for folder in current.parent.iterdir():
        if folder != current and time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def with_score_intervals(record: RunRecord) -> RunRecord:
    """Replace intervals that are a single point by those of Wilson.

    Args:
        record: A record as read.

    Returns:
        The same object if it has no such interval.
    """
    if not any(_is_point(name, figure) for name, figure in _all_figures(record)):
        return record
    level, videos = record.bootstrap.level, len(record.rank_table.query_videos("v2t"))

    def of_run(name: str, figure: Figure) -> Figure:
        if not _is_point(name, figure):
            return figure
        return Figure(figure.value, *_ends(name, figure.value, videos, level))

    def of_group(group: GroupFigures) -> GroupFigures:
        metrics = {
            name: GroupFigure(figure.value, *_ends(name, figure.value, group.videos, level))
            if _is_point(name, figure)
            else figure
            for name, figure in group.metrics.items()
        }
        return replace(group, metrics=metrics)

    return replace(
        record,
        metrics={
            direction: {
                kind: {name: of_run(name, figure) for name, figure in figures.items()}
                for kind, figures in kinds.items()
            }
            for direction, kinds in record.metrics.items()
        },
        breakdowns={
            axis: replace(
                breakdown,
                results={
                    direction: {name: of_group(group) for name, group in groups.items()}
                    for direction, groups in breakdown.results.items()
                },
            )
            for axis, breakdown in record.breakdowns.items()
        },
    )


def _ends(name: str, value: float, videos: int, level: float) -> tuple[float, float]:
    full = full_share(name)
    return (value, value) if full is None else bound_interval(value, full, videos, level)


def _is_point(name: str, figure: Figure | GroupFigure) -> bool:
    is_point = figure.low == figure.high == figure.value
    return is_point and is_at_bound(figure.value, full_share(name))


def _all_figures(record: RunRecord) -> Iterator[tuple[str, Figure | GroupFigure]]:
    figures: list[Mapping[str, Figure] | Mapping[str, GroupFigure]] = [
        named for kinds in record.metrics.values() for named in kinds.values()
    ]
    figures += [
        group.metrics
        for breakdown in record.breakdowns.values()
        for groups in breakdown.results.values()
        for group in groups.values()
    ]
    for named in figures:
        yield from named.items()
