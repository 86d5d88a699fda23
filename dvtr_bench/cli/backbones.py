"""List the backbones that can be named."""

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Json, print_json
from dvtr_bench.runtime.terminal import say, write_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.weights.listing import ListedBackbone

_WIDTH: Final = 96
_FEW: Final = 24
"""So many names of open_clip or fewer are shown one by one."""


def backbones(
    word: Annotated[
        str | None,
        typer.Argument(metavar="WORD", help="Only those with this word, such as siglip."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the weights that --backbone takes by name; with WORD those that have it."""
    listed = dvtr.list_backbones(word)
    if as_json:
        print_json({"backbones": listed})
        return
    for line in _lines(listed):
        write_line(line)
    write_line(
        "\nAny file: ARCHITECTURE/PATH. Any folder with open_clip_config.json: its path.\n"
        "A licence that is not stated was not verified: read its page before you use it."
    )
    say(
        "next: dvtr-bench train --model NAME --dataset NAME --backbone ONE, or\n"
        "      dvtr-bench evaluate --model open_clip:ONE"
    )


def _lines(listed: "Sequence[ListedBackbone]") -> Iterator[str]:
    groups = {key: list(ones) for key, ones in groupby(listed, lambda one: one.group)}
    for one in groups.get("here", ()):
        yield f"{one.name}: {one.note}"
    if published := groups.get("published"):
        yield "\nRemote sensing and long texts:"
        for one in published:
            yield from _in_full(one)
    if of_open_clip := groups.get("open_clip"):
        yield "\nopen_clip:"
        if len(of_open_clip) <= _FEW:
            for one in of_open_clip:
                yield from _in_full(one)
            return
        for architecture, ones in groupby(of_open_clip, lambda one: one.architecture):
            tags = ", ".join(str(one.weights) for one in ones)
            yield textwrap.fill(
                f"{architecture}/ {tags}", _WIDTH, initial_indent="  ", subsequent_indent=" " * 6
            )


def _in_full(one: "ListedBackbone") -> Iterator[str]:
    yield f"  {one.name}"
    place = one.url or f"{one.repository}{f'/{one.file}' if one.file else ''}"
    sees = {"shortest": "the middle", "squash": "all, squashed", "longest": "all, with bars"}
    facts = [
        one.architecture if one.weights is None else "",
        one.activation or "",
        f"{one.context_length} tokens",
        f"{one.image_size} pixels, {sees[one.resize_mode]}, {one.interpolation}",
        f"licence: {one.licence or 'not verified'}",
        "" if one.trainable else "evaluated only, by --model open_clip:",
        f"needs dvtr-bench[{one.needs}]" if one.needs else "",
    ]
    for text in (place, "; ".join(fact for fact in facts if fact), one.note):
        if text:
            yield textwrap.fill(
                text,
                _WIDTH,
                initial_indent=" " * 6,
                subsequent_indent=" " * 6,
                break_long_words=False,
                break_on_hyphens=False,
            )
