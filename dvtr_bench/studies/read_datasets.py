"""The datasets of a study: names, builders, and options that fit them."""

import dataclasses
import re
import typing
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.catalog import DATASETS
from dvtr_bench.studies.study import StudyDataset
from dvtr_bench.studies.study_file import Keys, StudyFile
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling

if TYPE_CHECKING:
    from types import ModuleType

GIVEN_LATER: Final[Mapping[str, Any]] = {"annotations": "auto", "clips": Path()}
"""Options that the command line may give, with values that stand for them until then."""

_OURS: Final = ("builder", "sampling", "format", "missing")
_MISSING: Final = ("stop", "drop")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,94}")


def read_datasets(file: StudyFile) -> tuple[StudyDataset, ...]:
    """Read the ``datasets`` of a study file.

    Args:
        file: The study's own file.

    Returns:
        The datasets, in order; paths in their options are relative to the file's folder no more.

    Raises:
        ConfigError: No such builder or option, or a value that it does not take.
    """
    return tuple(_dataset(file, name) for name in file.table(("datasets",)))


def takes(builder: str) -> tuple[str, ...]:
    """Return the names of the options that a builder takes.

    Raises:
        NotFoundError: There is no such builder.
    """
    return tuple(field.name for field in dataclasses.fields(DATASETS.load(builder).Options))


def _dataset(file: StudyFile, name: str) -> StudyDataset:
    keys: Keys = ("datasets", name)
    if not _NAME.fullmatch(name):
        file.fail(keys, f"{name!r} cannot name a dataset: use letters, digits, '.', '_' and '-'")
    given = file.table(keys)
    builder = file.get((*keys, "builder"), str, "")
    if not builder:
        for key in given:
            file.fail((*keys, key), f"{key} says how {name} is built, but no builder is named")
        return StudyDataset(name)
    module: ModuleType = file.attempt((*keys, "builder"), partial(DATASETS.load, builder))
    own = {key: value for key, value in given.items() if key not in _OURS and key != "name"}
    if "name" in given:
        file.fail((*keys, "name"), f"the dataset's name is that of its table: [datasets.{name}]")
    options = {
        key: file.path.parent / value if isinstance(value, Path) else value
        for key, value in file.settings(keys, module.Options, own).items()
    }
    file.require_made(keys, partial(_make, module.Options, name), options)
    made = StudyDataset(name, builder, options)
    how = {key: file.get((*keys, key), str, getattr(made, key)) for key in _OURS[1:]}
    file.attempt((*keys, "sampling"), partial(Sampling.parse, how["sampling"]))
    kind: Any = how["format"]
    file.attempt((*keys, "format"), partial(FrameFormat, kind))
    if how["missing"] not in _MISSING:
        file.fail((*keys, "missing"), f"expected stop or drop, found {how['missing']!r}")
    return dataclasses.replace(made, **how)


def _make(options: type, name: str, given: Mapping[str, Any]) -> None:
    """Have a builder check options; where it needs more than may come later, it does so then."""
    hints = typing.get_type_hints(options)
    known = {"name": name, **GIVEN_LATER, **given}
    known = {key: value for key, value in known.items() if key in hints}
    needed = [
        field.name
        for field in dataclasses.fields(options)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if set(needed) <= known.keys():
        options(**known)
