"""Read a study file into a `Study`; errors name the line."""

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.catalog import BREAKDOWNS, DATASETS
from dvtr_bench.errors import ConfigError
from dvtr_bench.studies.read_rows import CheckBackbone, read_parts, resolve_rows
from dvtr_bench.studies.study import FIGURES, Question, Study, StudyDataset
from dvtr_bench.studies.study_file import Keys, StudyFile, find_study
from dvtr_bench.training.recipe import Recipe
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


KEYS: Final = (
    *("title", "about", "include", "every_model", "seeds", "backbone_seed", "split", "backbone"),
    *("settings", "recipe", "recipes", "datasets", "backbones", "models", "reference"),
    *("questions", "conclusions", "figures", "breakdowns", "contact_sheets", "pages"),
)
"""The keys and tables of a study file."""

_PAGES: Final = {"leaderboard": "LEADERBOARD.md", "study": "STUDY.md"}
"""The pages of a study, and their default file names."""


def read_study(study: str | Path, check_backbone: CheckBackbone = str) -> Study:
    """Read and check a study.

    Args:
        study: A path that ends in ``.toml``, or the name of a study that ships with the package.
        check_backbone: Raises for an invalid name of a backbone; by default all names are accepted.

    Returns:
        The study.

    Raises:
        NotFoundError: There is no such study.
        ConfigError: A key, model, setting, recipe field, dataset or figure does not exist, a value
            has the wrong type, or a name or setup occurs twice. The message names file and line.

    Example:
        >>> [row.name for row in read_study("quickstart").rows]
        ['clip_zeroshot', 'clip4clip_meanp', 'clip4clip_seqtransf', 'msam']
    """
    file = StudyFile.read(find_study(study))
    file.only((), *KEYS)
    parts = read_parts(file, check_backbone)
    rows = tuple(resolve_rows(file, parts, check_backbone))
    names = [row.name for row in rows]
    for asking, keys, question in parts.questions.values():
        asking.attempt(keys, partial(_require_rows, question, names))
    reference = file.get(("reference",), str, "") or None
    if reference is not None and reference not in names:
        file.fail(("reference",), f"there is no model {reference!r}: there are {', '.join(names)}")
    leaderboard, page = (_page(file, name) for name in _PAGES)
    split = file.get(("split",), str, "test")
    if split not in ("test", "validation"):
        file.fail(("split",), f"expected test or validation, found {split!r}")
    make_study = partial(
        Study,
        name=file.name,
        title=file.get(("title",), str, file.name),
        about=" ".join(file.get(("about",), str, "").split()),
        datasets=read_datasets(file),
        rows=rows,
        backbones=parts.backbones,
        seeds=_seeds(file),
        backbone_seed=file.get(("backbone_seed",), int, Recipe.seed),
        split=split,
        reference=reference,
        questions=tuple(question for _, _, question in parts.questions.values()),
        conclusions=tuple(parts.conclusions),
        figures=_known(file, "figures", _figure_names()) or FIGURES,
        breakdowns=_known(file, "breakdowns", BREAKDOWNS.names()),
        contact_sheets=file.get(("contact_sheets",), bool, True),
        leaderboard=leaderboard,
        page=page,
    )
    return file.attempt((), make_study)


def _seeds(file: StudyFile) -> tuple[int, ...]:
    seeds = file.array(("seeds",), int)
    for index, seed in enumerate(seeds):
        if seed < 0:
            file.fail(("seeds", index), f"a seed is 0 or more, found {seed}")
    return seeds if "seeds" in file.content else (Recipe.seed,)


def _page(file: StudyFile, name: str) -> str | None:
    file.only(("pages",), *_PAGES)
    page = file.get(("pages", name), str, _PAGES[name])
    if page == "none":
        return None
    if Path(page).name != page or not page.endswith(".md"):
        file.fail(("pages", name), f"expected a file name such as {_PAGES[name]}, or none")
    return page


def _known(file: StudyFile, key: str, known: Sequence[str]) -> tuple[str, ...]:
    names = file.array((key,), str)
    for index, name in enumerate(names):
        if name not in known:
            file.fail((key, index), f"there is no {name!r} among {key}: {', '.join(known)}")
    return names


def _figure_names() -> Sequence[str]:
    from dvtr_bench.ranking.figures import figure_names

    return figure_names()


def _require_rows(question: Question, names: Sequence[str]) -> None:
    for name in (question.first, question.second):
        if name not in names:
            raise ConfigError(
                f"the question {question.name} asks about {name!r}: there are {', '.join(names)}"
            )
