"""The rows of caption tables, by the clip that they name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from builders.annotations.caption_rows import CaptionRow
from builders.clips.named import NamedClip
from builders.packed import Packed

Value = TypeVar("Value")


class NamedRow(NamedTuple):
    """A row and the clip that it names."""

    row: CaptionRow
    clip: NamedClip


class NamedRows:
    """All rows, packed: of many clips, what is read of a table is most of a build's memory.

    Attributes:
        rows_of: By video id: the clip's rows, in the order of the tables.
        clip_of: By video id: the clip as its last row names it.
    """

    def __init__(self, named: Iterable[NamedRow]) -> None:
        """Take the rows in the order of the tables."""
        # A table may list the first captions of all clips, then the second ones.
        self._named = Packed(named, open_blocks=32)
        places: dict[str, list[int]] = {}
        for place, one in enumerate(self._named):
            places.setdefault(one.clip.video_id, []).append(place)
        self.rows_of: Mapping[str, Sequence[CaptionRow]] = _ByClip(
            places, lambda listed: [self._named[place].row for place in listed]
        )
        self.clip_of: Mapping[str, NamedClip] = _ByClip(
            places, lambda listed: self._named[listed[-1]].clip
        )

    def clips(self) -> Iterator[NamedClip]:
        """Yield the clip of every row."""
        return (one.clip for one in self._named)


class _ByClip(Mapping[str, Value], Generic[Value]):
    """What the rows of a clip come to, made anew whenever it is asked for."""

    def __init__(
        self, places: Mapping[str, list[int]], value: Callable[[list[int]], Value]
    ) -> None:
        self._places = places
        self._value = value

    def __getitem__(self, video_id: str) -> Value:
        return self._value(self._places[video_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
