"""Read a study file into a `Study`; errors name the line."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from dvtr_bench.catalog import BREAKDOWNS
from dvtr_bench.errors import ConfigError
from dvtr_bench.studies.places import find_study
from dvtr_bench.studies.read_datasets import read_datasets
from dvtr_bench.studies.read_rows import CheckBackbone, read_parts, resolve_rows
from dvtr_bench.studies.study import FIGURES, Question, Study
from dvtr_bench.studies.study_file import StudyFile
from dvtr_bench.training.recipe import Recipe

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
