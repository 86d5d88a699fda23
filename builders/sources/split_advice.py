"""Advice on a user's columns: those that tell what clips were cut from, and licences.

A column *names origins* of clips if many clips share their value with a few others. Two rules, so
that a camera's model or the weather is not taken for a flight:

- its name has a word such as ``source``, ``flight``, ``site`` or ``video`` (`_NAMES`) and none such
  as ``fps`` or ``type`` (`_MEASURES`), and it has at least three values; or
- whatever its name, it is no number, has at least eight values, at most five clips a value on
  average, and at least half of all clips share their value with another.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from builders.sources.caption_rows import GROUP_COLUMN, CaptionRow
from builders.sources.own_folder import ExtraColumn
from builders.sources.splits import SplitChoice
from dvtr_bench.runtime.wording import count_of

_NAMES: Final = frozenset(
    "source src flight site video sequence seq recording session mission sortie movie film url uri "
    "link youtube origin original parent footage".split()
)
_MEASURES: Final = frozenset(
    "fps rate duration length seconds time start end width height size resolution frames count "
    "codec quality type class kind category label licence license".split()
)
_FEWEST_NAMED: Final = 3
_FEWEST_OTHER: Final = 8
_MOST_CLIPS_A_VALUE: Final = 5
_SHARE_OF_CLIPS: Final = 0.5
_ALL_DIFFERENT_FROM: Final = 10_000
"""A column with so many values, nearly all different, is not looked at further, to save memory."""

_LICENCE_NAMES: Final = frozenset({"licence", "license"})
_LISTED: Final = 3
_LONGEST: Final = 60


def advise(
    clips: Collection[Sequence[CaptionRow]],
    splits: SplitChoice,
    extras: Sequence[ExtraColumn],
    group_by: str | None,
    licence: str | None,
) -> list[str]:
    """Return notes on columns whose values cross the splits, and on licences.

    Args:
        clips: The rows of each clip, in the order of `splits`.
        splits: The splits.
        extras: The further columns of the table.
        group_by: The column of groups; None for ``group``, if there is one.
        licence: The licence that the user states for the dataset; None without one.

    Returns:
        Sentences for the card and for the output of the build.
    """
    grouped = (group_by or GROUP_COLUMN).lower()
    columns = {extra.name: _Column(extra.name) for extra in extras if extra.name.lower() != grouped}
    for rows, split in zip(clips, splits.split_of.values(), strict=True):
        for name, column in columns.items():
            column.add({row.extra.get(name) for row in rows}, split)
    return [
        *(
            _advice_on_origin(column, splits.drawn)
            for column in columns.values()
            if column.names_origins and column.crossing
        ),
        *_advice_on_licence(columns, licence),
    ]


@dataclass
class _Column:
    """The values of one column, counted by split."""

    name: str
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    num_clips: int = 0
    has_lists: bool = False
    all_different: bool = False

    def add(self, values: Collection[str | None], split: str) -> None:
        """Add a clip, given the values of its rows."""
        self.num_clips += 1
        if len(values) > 1:
            self.has_lists = True
        if self.all_different or self.has_lists:
            return
        (value,) = values
        if value is not None:
            self.counts.setdefault(value, Counter())[split] += 1
        if len(self.counts) > max(_ALL_DIFFERENT_FROM, 0.9 * self.num_clips):
            self.all_different = True
            self.counts.clear()

    @property
    def names_origins(self) -> bool:
        """Whether the column names what clips were cut from."""
        if self.has_lists or self.all_different or not self.counts:
            return False
        words = set(re.findall(r"[a-z]+", _with_spaces(self.name).lower()))
        sizes = [counts.total() for counts in self.counts.values()]
        if words & _NAMES and not words & _MEASURES:
            return len(sizes) >= _FEWEST_NAMED
        return (
            not words & _MEASURES
            and len(sizes) >= _FEWEST_OTHER
            and sum(sizes) <= _MOST_CLIPS_A_VALUE * len(sizes)
            and sum(size for size in sizes if size > 1) >= _SHARE_OF_CLIPS * self.num_clips
            and not all(map(_is_number, self.counts))
        )

    @property
    def crossing(self) -> list[str]:
        """The values with clips in more than one split."""
        return [value for value, counts in self.counts.items() if len(counts) > 1]


def _with_spaces(name: str) -> str:
    """Separate the words of a name such as ``flightId``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _advice_on_origin(column: _Column, drawn: bool) -> str:
    crossing = column.crossing
    of_test = [counts for counts in column.counts.values() if counts["test"]]
    test = sum(counts["test"] for counts in of_test)
    leaked = sum(counts["test"] for counts in of_test if counts["train"])
    shared = (
        f" ({leaked:,} of {count_of(test, 'test clip')} share theirs with train)" if leaked else ""
    )
    fix = f"`--group-by {_quoted(column.name)}` keeps them together"
    if not drawn:
        fix = f"without stated splits, {fix}"
    return (
        f"{len(crossing):,} of {count_of(len(column.counts), 'value')} of the column "
        f"{column.name!r} have "
        f"clips in more than one split{shared}, such as {_short(crossing[0])}: test clips may look "
        f"like train clips; {fix}."
    )


def _advice_on_licence(columns: Mapping[str, _Column], stated: str | None) -> Iterator[str]:
    for name, column in columns.items():
        if name.lower() not in _LICENCE_NAMES or column.has_lists or not column.counts:
            continue
        found = Counter({value: counts.total() for value, counts in column.counts.items()})
        if stated is None:
            listed = _listed(found)
            yield (
                f"The column {name!r} states licences of clips ({listed}), the card none: say "
                "which holds for the dataset with --licence."
            )
            continue
        other = Counter({value: n for value, n in found.items() if _plain(value) != _plain(stated)})
        if other:
            yield (
                f"The column {name!r} disagrees with --licence {stated} for {other.total():,} of "
                f"{count_of(column.num_clips, 'clip')}: {_listed(other)}."
            )


def _listed(found: Counter[str]) -> str:
    listed = [f"{count:,} {_short(value)}" for value, count in found.most_common(_LISTED)]
    if len(found) > _LISTED:
        listed.append(f"and {len(found) - _LISTED:,} more")
    return ", ".join(listed)


def _plain(licence: str) -> str:
    """Return a licence in one spelling: ``CC BY 4.0`` as ``cc-by-4.0``."""
    return "-".join(re.findall(r"[a-z0-9.+]+", licence.lower()))


def _short(value: str) -> str:
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...")


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else repr(name)
