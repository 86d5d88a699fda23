"""Build a dataset from clips and captions; its options come from what the dataset takes."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Command, Json, print_json, write_options
from dvtr_bench.errors import ConfigError, ExtensionError
from dvtr_bench.settings import Setting, kinds_of, read_value, settings_of

OWN: Final = "dvtr_bench.own_options"
"""Where a command finds in the context's ``meta`` what was given of the dataset's own options."""

_SHARED: Final = ("name",)
"""Options of every build that a dataset may describe in its own words."""


class DatasetCommand(Command):
    """A command whose first argument is a dataset that brings options of its own."""

    _module: ModuleType | None = None
    _general: tuple[Any, ...] = ()
    _own: tuple[Setting, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Find the dataset among the words, take its options in, then read them all."""
        from dvtr_bench.catalog import DATASETS

        self._general = self._general or tuple(self.params)
        args = self.reworded(ctx, args)
        name = _find_name(args, self._general)
        if name is not None:
            self._module = DATASETS.load(name)
            self._own = settings_of(self._module.Options)
            own = {setting.name for setting in self._own}
            if taken := {param.name for param in self._general} & own - {*_SHARED}:
                raise ExtensionError(
                    f"{DATASETS.entry(name).place}: Options has the field {min(taken)}, which is "
                    "an option of every build already: give it another name"
                )
            general = [param for param in self._general if param.name not in own]
            self.params = [*general, *_parameters(self._own)]
            self._refuse_unknown(ctx, args, name)
        left = super().parse_args(ctx, args)
        ctx.meta[OWN] = dict(self._given(ctx))
        return left

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the dataset's options first, then those of every build."""
        from dvtr_bench.catalog import DATASETS

        own = {setting.name for setting in self._own}
        options = [one for one in self.get_params(ctx) if one.param_type_name == "option"]
        parts: dict[str, list[Any]] = {"Options": options}
        if self._module is None:
            names = ", ".join(DATASETS.names())
            with formatter.section("Datasets"):
                formatter.write_text(names)
                formatter.write_text(
                    "What NAME takes beside the options below: dvtr-bench build NAME --help"
                )
        else:
            parts = {
                f"Options of {self._module.INFO.name}": [one for one in options if one.name in own],
                "Options of every build": [one for one in options if one.name not in own],
            }
        write_options(ctx, formatter, parts)

    def _given(self, ctx: Any) -> Iterator[tuple[str, Any]]:
        for setting in self._own:
            if setting.name in _SHARED:
                continue
            text = ctx.params.pop(setting.name, None)
            if text is None or isinstance(text, bool):
                value = text
            elif text == setting.default_text:
                value = setting.default
            else:
                value = _read(ctx, setting, text)
            if value is not None:
                yield setting.name, value

    def _refuse_unknown(self, ctx: Any, args: Sequence[str], name: str) -> None:
        takes_value = _takes_value(self.get_params(ctx))
        for word in _option_words(args, takes_value):
            if word not in takes_value:
                near = get_close_matches(word, takes_value, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                ctx.fail(
                    f"{word} is not an option of {name}: {hint}"
                    f"`dvtr-bench build {name} --help` lists those that there are"
                )


def _read(ctx: Any, setting: Setting, text: str) -> Any:
    try:
        return read_value(setting.kind, text, _flag(setting.name))
    except ConfigError as failure:
        ctx.fail(str(failure))


def _parameters(settings: Sequence[Setting]) -> list[Any]:
    """Return options of the command line for settings."""

    def own(**given: Any) -> None: ...

    declared = [
        inspect.Parameter(
            setting.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_shown_default(setting),
            annotation=Annotated[
                bool | None if setting.is_switch else str | None, _option(setting)
            ],
        )
        for setting in settings
    ]
    vars(own)["__signature__"] = inspect.Signature(declared)
    own.__annotations__ = {}
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(own)
    names = {parameter.name for parameter in declared}
    return [param for param in typer.main.get_command(app).params if param.name in names]


def _shown_default(setting: Setting) -> bool | str | None:
    if setting.required or setting.default is None:
        return None
    return bool(setting.default) if setting.is_switch else setting.default_text


def _option(setting: Setting) -> Any:
    spellings = [_flag(name) for name in (setting.name, *setting.other_spellings)]
    if setting.is_switch:
        spellings = [f"{spellings[0]}/--no-{spellings[0][2:]}"]
    meaning = setting.meaning[:1].upper() + setting.meaning[1:]
    meaning = meaning if meaning.endswith(".") else f"{meaning}."
    # Whoever builds from Python may leave it out as well: what is missing is told there, for both.
    return typer.Option(
        *spellings,
        help=f"{meaning}  [required]" if setting.required else meaning,
        metavar=None if setting.is_switch else _metavar(setting.kind),
        show_default=not setting.required,
    )


def _metavar(kind: Any) -> str:
    words: dict[str, None] = {}
    for one in kinds_of(kind):
        if get_origin(one) is Literal:
            words.update(dict.fromkeys(map(str, get_args(one))))
        elif one is not type(None):
            words[{int: "<int>", float: "<float>", Path: "<path>"}.get(one, "<str>")] = None
    return "|".join(words)


def _find_name(args: Sequence[str], general: Sequence[Any]) -> str | None:
    """Return the word that names the dataset; None where there is none."""
    takes_value = _takes_value(general)
    # Options of the dataset that stand before its name are not known yet: a word that follows one
    # is read as its value, and where no word is left, as the name.
    for unknown_take_value in (True, False):
        left = list(args)
        while left:
            word = left.pop(0)
            if word == "--":
                return left[0] if left else None
            if not word.startswith("-"):
                return word
            known = takes_value.get(word)
            follows = bool(left) and (known or not left[0].startswith("-"))
            if "=" not in word and follows and (unknown_take_value if known is None else known):
                left.pop(0)
    return None


def _option_words(args: Sequence[str], takes_value: Mapping[str, bool]) -> Iterator[str]:
    """Yield the words that are options, not values."""
    words = iter(args)
    for word in words:
        if word == "--":
            return
        if word.startswith("-") and word != "-":
            name, equals, _ = word.partition("=")
            yield name
            if not equals and takes_value.get(name, False):
                next(words, None)


def _takes_value(params: Sequence[Any]) -> dict[str, bool]:
    """Return for each option, by how it is typed, whether a value follows it."""
    found = {"-h": False, "--help": False}
    for param in params:
        if param.param_type_name == "option":
            for word in (*param.opts, *param.secondary_opts):
                found[word] = not (param.is_flag or getattr(param, "count", False))
    return found


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


COMMAND_CLASS = DatasetCommand

Workers = Annotated[
    int | None, typer.Option(help="Processes that decode, all cores by default; 0 uses none.")
]
Executor = Annotated[
    str, typer.Option(help="local, or ray to decode on all machines of a Ray cluster.")
]
Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster, head:6379; else the one this machine is in.")
]
ClipSecondsLimit = Annotated[float, typer.Option(help="Most seconds to decode a clip.")]


def build(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(metavar="NAME", help="Which dataset.")],
    annotations_only: Annotated[
        bool, typer.Option("--annotations-only", help="Captions, splits and qrels, no frames.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the dataset and of its folder.")] = None,
    root: Annotated[Path, typer.Option(help="Folder that datasets go to.", file_okay=False)] = Path(
        "dvtr"
    ),
    sampling: Annotated[
        str,
        typer.Option(
            "--sampling",
            "--frames",
            help="12, or any number: middles of equal parts; 1fps: one a second.",
        ),
    ] = "12",
    format: Annotated[str, typer.Option(help="jpeg, or png, bit-exact.")] = "jpeg",
    keep_clips: Annotated[
        bool, typer.Option("--keep-clips", help="Store the files of clips too.")
    ] = False,
    missing: Annotated[
        str, typer.Option(help="stop at missing or broken clips, or drop them and say so.")
    ] = "stop",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another dataset of that name.")
    ] = False,
    move_test_clips: Annotated[
        bool,
        typer.Option(
            "--move-test-clips",
            help="Go on though clips leave the test split.",
        ),
    ] = False,
    reuse: Annotated[
        bool,
        typer.Option(help="Take frames of unchanged clips from other versions."),
    ] = True,
    workers: Workers = None,
    executor: Executor = "local",
    address: Address = None,
    clip_seconds_limit: ClipSecondsLimit = 600,
    near_duplicates: Annotated[
        bool,
        typer.Option(
            "--near-duplicates/--no-near-duplicates",
            help="Look for clips of different splits that look alike.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Build a dataset from clips and captions into dvtr/NAME."""
    from builders.summary import build_as_json, print_summary

    dvtr.build(
        dataset,
        name=name,
        root=root,
        sampling=sampling,
        format=format,
        annotations_only=annotations_only,
        keep_clips=keep_clips,
        missing=missing,
        overwrite=overwrite,
        move_test_clips=move_test_clips,
        reuse=reuse,
        workers=workers,
        executor=executor,
        address=address,
        clip_seconds_limit=clip_seconds_limit,
        near_duplicates=near_duplicates,
        report=(lambda built: print_json(build_as_json(built))) if as_json else print_summary,
        **ctx.meta[OWN],
    )
