"""Fills the tables of the reference pages from the program, so that they cannot fall behind.

A page holds a pair of comments where a table goes:

    <!-- made: recipe -->
    <!-- end -->

What stands between them is written by ``python docs/reference/make_tables.py``; a test makes it
again and compares. On the page of the command line every command's section gets its table
of options, also a new one that has no comments yet.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer

from builders.sources import caption_rows, json_forms
from dvtr_bench.catalog import ADAPTERS, DATASETS, MODELS, POST_PROCESSORS
from dvtr_bench.cli import make_app
from dvtr_bench.models.embedding_model import EmbeddingConfig
from dvtr_bench.models.entry import model_entry, source_entry
from dvtr_bench.settings import NoSettings, Setting, settings_of, value_text
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run_choice import default_recipe

FOLDER: Final = Path(__file__).parent
COMMAND_LINE: Final = FOLDER / "command-line.md"

_MARKED: Final = re.compile(r"(<!-- made: ([^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SECTION: Final = re.compile(r"^## ([a-z-]+)\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return the pages of this folder that hold a table to be made."""
    held = [
        page for page in sorted(FOLDER.glob("*.md")) if "<!-- made: " in page.read_text("utf-8")
    ]
    return sorted({*held, COMMAND_LINE})


def make_page(page: Path) -> str:
    """Return the text of a page with its tables made again."""
    text = page.read_text("utf-8")
    if page == COMMAND_LINE:
        text = _SECTION.sub(_with_marks, text)
    return _MARKED.sub(lambda found: found[1] + _made(found[2]) + found[3], text)


def _with_marks(section: re.Match[str]) -> str:
    if "<!-- made: " in section[0]:
        return section[0]
    marks = f"<!-- made: options {section[1]} -->\n<!-- end -->"
    return f"{section[0].rstrip()}\n\n{marks}\n\n"


def _made(words: str) -> str:
    what, *names = words.split()
    lines = {
        "options": _options,
        "recipe": _recipe,
        "models": _models,
        "sources": _sources,
        "post-processing": _post_processing,
        "datasets": _datasets,
        "caption-columns": _caption_columns,
        "json-forms": _json_forms,
    }[what](*names)
    return "\n" + "\n".join(lines).strip() + "\n\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _options(command: str) -> Iterator[str]:
    """Yield the arguments and options of a command, as its help page has them."""
    app: Any = typer.main.get_command(make_app())
    found = app.commands[command]
    context = found.make_context(command, [], resilient_parsing=True)
    rows = []
    for one in found.params:
        if (record := one.get_help_record(context)) and one.name != "quiet":
            name, meaning = record
            spellings = "`, `".join(name.strip().split(", "))
            rows.append((f"`{spellings}`", _without_markup(meaning)))
    yield from _table(("option", "what it is"), rows) if rows else ("It takes no options.",)


def _without_markup(text: str) -> str:
    """Return a help text whose angle brackets are no HTML."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _recipe() -> Iterator[str]:
    recipes = {name: default_recipe(name) for name in ("ViT-B-32/openai", "tiny", "tiny-scratch")}
    rows = []
    for one in settings_of(Recipe):
        usual, *others = [value_text(getattr(recipe, one.name)) for recipe in recipes.values()]
        told = ["" if value == usual else value for value in others]
        rows.append((f"`{one.name}`", one.values, usual, *told, one.meaning))
    heads = ("field", "values", "default", "`tiny`", "`tiny-scratch`", "what it is")
    yield from _table(heads, rows)


def _settings(settings: Sequence[Setting], prefix: str = "") -> Iterator[str]:
    rows = [
        (f"`{prefix}{one.name}`", one.values, one.default_text, one.meaning) for one in settings
    ]
    yield from _table(("setting", "values", "default", "what it is"), rows)


def _models() -> Iterator[str]:
    """Yield what every trained model shares once, then what each has of its own."""
    found = {name: settings_of(model_entry(name).config_class) for name in MODELS.names()}
    shared = [one for one in next(iter(found.values())) if _in_all(one, found)]
    yield from ("### Every model", "", *_settings(shared), "")
    known = {one.name for one in shared}
    for name, settings in found.items():
        own = [one for one in settings if one.name not in known]
        summary = (model_entry(name).module.__doc__ or "").split("\n", 1)[0]
        yield from (f"### {name}", "", summary, "")
        yield from _settings(own) if own else ("It has no settings of its own.",)
        yield ""


def _sources() -> Iterator[str]:
    """Yield what every source of models shares once, then what each has of its own."""
    found = {name: settings_of(source_entry(name, "").config_class) for name in ADAPTERS.names()}
    shared = [one for one in settings_of(EmbeddingConfig) if _in_all(one, found)]
    yield from ("### Every source", "", *_settings(shared), "")
    known = {one.name for one in shared}
    for name, settings in found.items():
        summary = (source_entry(name, "").module.__doc__ or "").split("\n", 1)[0]
        yield from (f"### {name}:", "", summary, "")
        yield from _settings([one for one in settings if one.name not in known])
        yield ""


def _in_all(one: Setting, found: Mapping[str, Sequence[Setting]]) -> bool:
    return all(one in settings for settings in found.values())


def _post_processing() -> Iterator[str]:
    for name in POST_PROCESSORS.names():
        config = getattr(POST_PROCESSORS.load(name), "Config", NoSettings)
        yield from (f"### {name}", "", *_settings(settings_of(config)), "")


def _datasets() -> Iterator[str]:
    for name in DATASETS.names():
        rows = [
            (f"`--{one.name.replace('_', '-')}`", one.values, one.default_text, one.meaning)
            for one in settings_of(DATASETS.load(name).Options)
        ]
        yield from (f"### build {name}", "")
        yield from _table(("option", "values", "default", "what it is"), rows)
        yield ""


def _caption_columns() -> Iterator[str]:
    def told(names: Sequence[str]) -> str:
        return ", ".join(f"`{name}`" for name in names)

    splits: dict[str, list[str]] = {}
    for name, split in caption_rows.SPLIT_NAMES.items():
        splits.setdefault(split, []).append(name)
    values = "; ".join(f"{told(names)}" for names in splits.values())
    rows = (
        ("the clip", told(caption_rows.FILE_COLUMNS), "its file, relative to the folder of clips"),
        (
            "its id",
            told(caption_rows.ID_COLUMNS),
            "default: the file's name without its ending, folders joined by `__`",
        ),
        (
            "captions",
            f"{told(caption_rows.CAPTION_COLUMNS)}; each also numbered: `caption_1`, `caption.2`",
            "one row a caption, a list in a cell, or a column each; all columns of the first name "
            "that is there, by their numbers",
        ),
        ("split", f"`{caption_rows.SPLIT_COLUMN}`", f"in every row one of {values}"),
        ("class", f"`{caption_rows.CATEGORY_COLUMN}`", "may be empty"),
        (
            "a part of the file",
            told(caption_rows.TIME_COLUMNS),
            "its start and end in seconds; empty: the file's own",
        ),
        (
            "group",
            f"`{caption_rows.GROUP_COLUMN}`, or what `--group-by` names",
            "clips of one group stay in one split; never empty",
        ),
    )
    yield from _table(("column", "names that are known, in any case", "what it holds"), rows)


def _json_forms() -> Iterator[str]:
    rows = [(form.name, f"`{form.example}`") for form in json_forms.FORMS]
    yield from _table(("form", "example"), rows)


if __name__ == "__main__":
    for made in pages():
        made.write_text(make_page(made), encoding="utf-8")
        print(f"wrote {made}")
