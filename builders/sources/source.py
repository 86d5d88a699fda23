"""The contract of a dataset file: what `builders/datasets/<name>.py` says and gives.

Each such module holds

- ``INFO``: a `DatasetInfo`, what is known of the dataset before anything is read;
- ``Options``: a frozen dataclass of the options it takes (see `builders.options`);
- ``read(options)``: reads annotations, finds clips, and returns a `Source`.

The engine does the rest, the same for every dataset.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dvtr_bench.dataset.manifest import LicenceRecord, SourceRecord
from dvtr_bench.errors import ClipError
from dvtr_bench.runtime.files import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

__all__ = [
    "Clip",
    "ClipFile",
    "DatasetInfo",
    "Footage",
    "LicenceRecord",
    "PublishedFile",
    "Source",
    "SourceRecord",
]


@dataclass(frozen=True)
class PublishedFile:
    """An annotation file as its authors published it.

    Attributes:
        url: Where it is, at a fixed revision.
        sha256: Of its own bytes, 64 hex digits; None where we never held the file and know none:
            then the first download is trusted and recorded, and later ones must be equal to it.
        in_zip: True when `url` is of a zip that holds the file, in whichever folder.
    """

    url: str
    sha256: str | None
    in_zip: bool = False


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset before anything is read.

    Attributes:
        name: Name of the dataset and of its folder.
        version: Semantic version of what we build; what follows ``+`` names the variant.
        pretty_name: Name for people.
        summary: What it is, in one sentence.
        description: What it is and how its clips and captions came to be, a paragraph or two.
        licence: What may be done with it.
        homepage: Where it comes from; None when there is no such page.
        citation: BibTeX; empty when there is none.
        files: Annotation files by name.
        clips_from: How a user gets the clips, a sentence or two.
        expected: Videos and captions of each split of the published files; None for captions that
            we know no count of.
        flaws: What is wrong with it, one sentence each.
        language: BCP 47 tag of the captions.
        tags: Further tags of the dataset card.
    """

    name: str
    version: str
    pretty_name: str
    summary: str
    description: str
    licence: LicenceRecord
    homepage: str | None = None
    citation: str = ""
    files: Mapping[str, PublishedFile] = field(default_factory=dict)
    clips_from: str = ""
    expected: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    flaws: tuple[str, ...] = ()
    language: str = "en"
    tags: tuple[str, ...] = ()


@runtime_checkable
class Footage(Protocol):
    """Where a clip's pixels come from; small and picklable: a worker process gets it."""

    @property
    def label(self) -> str:
        """What to call it in messages, such as the file's path."""
        ...

    def identity(self) -> str:
        """Return a hash of everything that the pixels depend on, 64 hex digits.

        Raises:
            ClipError: The clip cannot be read.
        """
        ...

    @property
    def identity_is_sha256(self) -> bool:
        """Whether the identity is the SHA-256 of the file that `opened` gives."""
        ...

    def opened(self, scratch: Path) -> AbstractContextManager[Path]:
        """Give a video file to decode, made below `scratch` where it has to be made."""
        ...

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return the extra columns that are known only once the frame times are."""
        ...


@dataclass(frozen=True, slots=True)
class ClipFile:
    """Footage that is a video file of the user's.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    def label(self) -> str:
        """The path."""
        return str(self.path)

    def identity(self) -> str:
        """Return the SHA-256 of the file."""
        try:
            return file_sha256(self.path)
        except OSError as failure:
            reason = failure.strerror or str(failure)
            raise ClipError(f"{self.path}: cannot be read ({reason})") from failure

    @property
    def identity_is_sha256(self) -> bool:
        """True."""
        return True

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Give the file itself."""
        yield self.path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return nothing: a file has no more than its frames."""
        return {}


@dataclass(frozen=True, slots=True)
class Clip:
    """One row to be: a video's id, captions and split, and where its pixels come from.

    Attributes:
        video_id: Verbatim.
        captions: Verbatim, in source order.
        split: ``train``, ``validation`` or ``test``.
        footage: None when no clip was found for the id.
        category: None when the source has none.
        extra: Values of the dataset's extra columns that are known before decoding.
        where: The place that names it, such as ``captions.csv, line 12``, for messages.
    """

    video_id: str
    captions: tuple[str, ...]
    split: str
    footage: Footage | None = None
    category: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the values alone, in a tenth of a dataclass's time, which looks its fields up."""
        values = (self.video_id, self.captions, self.split, self.footage, self.category)
        return Clip, (*values, self.extra, self.where)


@dataclass(frozen=True)
class Source:
    """A dataset as it was read: everything that the engine needs.

    Attributes:
        info: With the name and version of this very variant.
        clips: In the order of the rows to be; a split's order is that of its clips here. Where a
            user can have any number of them, `Packed`.
        sources: The annotation files that were read.
        extra_fields: Arrow fields of the columns beyond the common ones.
        unused_clips: Clip files that no id asked for.
        notes: What a reader of the card must know about this build, one sentence each.
        offers_clips: False when the user named no clips at all.
        keeps_empty_captions: True for published data whose empty captions are kept and reported.
    """

    info: DatasetInfo
    clips: Sequence[Clip]
    sources: tuple[SourceRecord, ...] = ()
    extra_fields: tuple[pa.Field, ...] = ()
    unused_clips: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    offers_clips: bool = True
    keeps_empty_captions: bool = False
