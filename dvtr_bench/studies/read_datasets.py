"""Read the datasets of a study: names, builders and their options."""

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
"""Options that the command line can give later, with placeholder values."""

_STUDY_KEYS: Final = ("builder", "sampling", "format", "missing")
_MISSING: Final = ("stop", "drop")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,94}")
_BUILT: Final = re.compile(rf"{_NAME.pattern}(@[A-Za-z0-9.+-]+)?")


def read_datasets(file: StudyFile) -> tuple[StudyDataset, ...]:
    """Read the ``datasets`` of a study file.

    Args:
        file: The study's own file.

    Returns:
        The datasets, in order; relative paths in their options are resolved against the file's
        folder.

    Raises:
        ConfigError: A builder or option does not exist, or a value is invalid.
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
    table = file.table(keys)
    builder = file.get((*keys, "builder"), str, "")
    # A version can be named where it is built already.
    if not (_NAME if builder else _BUILT).fullmatch(name):
        file.fail(keys, f"{name!r} cannot name a dataset: use letters, digits, '.', '_' and '-'")
    if not builder:
        for key in table:
            file.fail((*keys, key), f"{key} says how {name} is built, but no builder is named")
        return StudyDataset(name)
    module: ModuleType = file.attempt((*keys, "builder"), partial(DATASETS.load, builder))
    options_given = {
        key: value for key, value in table.items() if key not in _STUDY_KEYS and key != "name"
    }
    if "name" in table:
        file.fail((*keys, "name"), f"the dataset's name is that of its table: [datasets.{name}]")
    options = {
        key: file.path.parent / value if isinstance(value, Path) else value
        for key, value in file.settings(keys, module.Options, options_given).items()
    }
    file.require_made(keys, partial(_make, module.Options, name), options)
    dataset = StudyDataset(name, builder, options)
    build_settings = {
        key: file.get((*keys, key), str, getattr(dataset, key)) for key in _STUDY_KEYS[1:]
    }
    file.attempt((*keys, "sampling"), partial(Sampling.parse, build_settings["sampling"]))
    kind: Any = build_settings["format"]
    file.attempt((*keys, "format"), partial(FrameFormat, kind))
    if build_settings["missing"] not in _MISSING:
        file.fail((*keys, "missing"), f"expected stop or drop, found {build_settings['missing']!r}")
    return dataclasses.replace(dataset, **build_settings)


def _make(options: type, name: str, values: Mapping[str, Any]) -> None:
    """Let a builder check its options, unless required ones are still missing."""
    hints = typing.get_type_hints(options)
    all_values = {"name": name, **GIVEN_LATER, **values}
    all_values = {key: value for key, value in all_values.items() if key in hints}
    needed = [
        field.name
        for field in dataclasses.fields(options)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if set(needed) <= all_values.keys():
        options(**all_values)
