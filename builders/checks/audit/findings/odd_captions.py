"""Captions that are empty, or have characters or spaces that a tokenizer may mishandle."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from builders.checks.audit.blocks import Block, Paragraph, Table
from builders.checks.audit.subject import Subject

TITLE: Final = "Odd captions"
PLACE: Final = 60
LISTED: Final = 10


@dataclass(frozen=True)
class Oddity:
    """Captions with one oddity.

    Attributes:
        what: Such as ``no words``, or the character and its name.
        num_captions: Number of captions that have it.
        captions: The first of them: split and caption id.
    """

    what: str
    num_captions: int
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """Odd captions of a dataset.

    Attributes:
        oddities: By kind; a kind that does not occur is left out.
    """

    oddities: tuple[Oddity, ...]


def find(subject: Subject, against: Subject | None, show_progress: bool) -> Record:
    """Find odd captions.

    Args:
        subject: The dataset.
        against: Not used.
        show_progress: Not used.

    Returns:
        The odd captions.
    """
    captions_by_oddity: dict[str, list[str]] = {}
    for split in subject.splits.values():
        for caption_id, caption in zip(split.caption_ids, split.captions, strict=True):
            for oddity in _oddities(caption):
                captions_by_oddity.setdefault(oddity, []).append(f"{split.name}: {caption_id}")
    return Record(
        tuple(
            Oddity(what, len(captions), tuple(captions[:LISTED]))
            for what, captions in sorted(
                captions_by_oddity.items(), key=lambda item: (-len(item[1]), item[0])
            )
        )
    )


def blocks(record: Record) -> Iterator[Block]:
    """Return what to show."""
    if not record.oddities:
        yield Paragraph(
            "None: every caption has words, ASCII characters alone and no stray spaces."
        )
        return
    yield Table(
        "Captions are kept as they were published; these may need care",
        ["what", "such as", "captions"],
        [
            [one.what, ", ".join(map(repr, one.captions[:3])), f"{one.num_captions:,}"]
            for one in record.oddities
        ],
        num_text_columns=2,
    )


def _oddities(caption: str) -> Iterator[str]:
    if not caption.split():
        yield "no words"
        return
    if caption != caption.strip():
        yield "spaces at an end"
    if "  " in caption.strip():
        yield "two spaces in a row"
    for character in sorted({letter for letter in caption if not " " <= letter <= "~"}):
        name = unicodedata.name(character, "a control character")
        yield f"holds U+{ord(character):04X} {name}"
    last = caption.rstrip()[-1]
    if not " " <= last <= "~":
        yield f"ends in U+{ord(last):04X} {unicodedata.name(last, 'a control character')}"
