"""A user's own columns: rows of tables by clip, and advice on columns of origins and licences.

A column *names origins* of clips if many clips share their value with a few others. Two rules, so
that the model of a camera or the weather is not taken for a flight:

- its name has a word such as ``source``, ``flight``, ``site`` or ``video`` (`_NAMES`) and none such
  as ``fps`` or ``type`` (`_MEASURES`), and it has at least three values; or
- whatever its name, it is no number, has at least eight values, at most five clips a value on
  average, and at least half of all clips share their value with another.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import pyarrow as pa

from builders.sources.caption_rows import GROUP_COLUMN, CaptionRow
from builders.sources.matching import bullets
from builders.sources.named_clips import NamedClip
from builders.sources.packed import PackedGroups
from builders.sources.segments import SEGMENT_FIELDS
from builders.sources.splits import SplitChoice
from dvtr_bench.dataset.manifest import TREATMENT_FIELD, VIDEO_FIELDS
from dvtr_bench.errors import AnnotationError
from dvtr_bench.runtime.terminal import by_number, count_of

Value = TypeVar("Value")


_Tuples: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...]]
"""The values of a row and of its clip."""


class NamedRow(NamedTuple):
    """A row and the clip that it names."""

    row: CaptionRow
    clip: NamedClip


class NamedRows:
    """All rows of a user's tables, packed, since they are most of a build's memory.

    Attributes:
        rows_of: Rows by video id, in the order of the tables.
        clip_of: Clips by video id, as the last row of each names it.
    """

    def __init__(self, rows: Iterable[NamedRow]) -> None:
        """Pack the rows, which are in the order of the tables; those of a clip may stand apart."""
        # Plain tuples are unpacked in half the time.
        self._groups = PackedGroups(
            (clip.video_id, (tuple(row), tuple(clip))) for row, clip in rows
        )
        self.rows_of: Mapping[str, Sequence[CaptionRow]] = _ByClip(
            self._groups, lambda of_clip: [CaptionRow._make(row) for row, _ in of_clip]
        )
        self.clip_of: Mapping[str, NamedClip] = _ByClip(
            self._groups, lambda of_clip: NamedClip._make(of_clip[-1][1])
        )

    def clips(self) -> Iterator[NamedClip]:
        """Yield the clip of every row."""
        return (NamedClip._make(clip) for of_clip in self._groups.values() for _, clip in of_clip)


class _ByClip(Mapping[str, Value], Generic[Value]):
    """Values by video id, computed from a clip's rows on every access."""

    def __init__(
        self, groups: Mapping[str, list[_Tuples]], value: Callable[[list[_Tuples]], Value]
    ) -> None:
        self._groups = groups
        self._value = value

    def __getitem__(self, video_id: str) -> Value:
        return self._value(self._groups[video_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


_RESERVED = frozenset(field.name for field in (*VIDEO_FIELDS, TREATMENT_FIELD, *SEGMENT_FIELDS))


@dataclass(frozen=True)
class ExtraColumn:
    """One further column of a user's table.

    Attributes:
        name: Name in the table.
        field: Field in the dataset: a string or, if rows of one clip differ, a list of strings, one
            a row.
    """

    name: str
    field: pa.Field

    def value(self, rows: Sequence[CaptionRow]) -> str | list[str | None] | None:
        """Return the value of a clip, given its rows."""
        values = [row.extra.get(self.name) for row in rows]
        return values if pa.types.is_list(self.field.type) else values[0]


def look_over(
    rows_of: Mapping[str, Sequence[CaptionRow]],
) -> tuple[tuple[ExtraColumn, ...], tuple[str, ...]]:
    """Look over all rows once: find their further columns, and what the card must say of them.

    Returns:
        The columns in the order of the tables, ``_in_table`` appended to a name that the dataset
        uses itself, such as ``clip_sha256``; and remarks on missing values and repeated rows.

    Raises:
        AnnotationError: Rows of one clip disagree on its category.
    """
    problems: list[str] = []
    differs: dict[str, bool] = {}
    num_missing = num_repeated = 0
    for video_id, rows in rows_of.items():
        first = rows[0]
        for row in rows:
            num_missing += row.num_missing
            for name, value in row.extra.items():
                differs[name] = differs.get(name, False) or value != first.extra.get(name)
        if len(rows) > 1:
            num_repeated += len(rows) - len(set(map(_content, rows)))
            categories = sorted({row.category for row in rows if row.category is not None})
            if len(categories) > 1:
                problems.append(
                    f"{rows[-1].where}: {video_id!r} is of {len(categories)} categories: "
                    f"{', '.join(categories)}"
                )
    if problems:
        verb = by_number(len(problems), "contradicts itself", "contradict themselves")
        raise AnnotationError(f"{count_of(len(problems), 'clip')} {verb}:{bullets(problems)}")
    notes = []
    if num_missing:
        notes.append(
            f"{count_of(num_missing, 'missing value')} (None, nan, null) among the captions "
            f"{by_number(num_missing, 'was', 'were')} left out."
        )
    if num_repeated:
        notes.append(
            f"{count_of(num_repeated, 'row')} {by_number(num_repeated, 'repeats', 'repeat')} the "
            "clip, the captions and all else of a row before, and "
            f"{by_number(num_repeated, 'was', 'were')} kept."
        )
    extras = (
        ExtraColumn(
            name,
            pa.field(
                f"{name}_in_table" if name in _RESERVED else name,
                pa.list_(pa.string()) if is_list else pa.string(),
            ),
        )
        for name, is_list in differs.items()
    )
    return tuple(extras), tuple(notes)


def _content(row: CaptionRow) -> tuple[object, ...]:
    """Return all that a row says, without where it stands."""
    return row.captions, row.split, row.category, row.group, tuple(row.extra.items())


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
