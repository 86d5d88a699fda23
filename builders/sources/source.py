"""The interface of a dataset's module, `builders/datasets/<name>.py`.

Each module defines

- ``INFO``: a `DatasetInfo`, which describes the dataset before anything is read;
- ``Options``: a frozen dataclass of its options (`required`, `optional`): each field
  is an option of `dvtr-bench build NAME`, with its type, default, choices and help;
- ``read(options)``: reads annotations, finds clips, and returns a `Source`.

The engine does the rest in the same way for every dataset.
"""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.manifest import LicenceRecord, Manifest, SourceRecord
from dvtr_bench.errors import ClipError, ConfigError
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import ModuleType

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
    """A published annotation file.

    Attributes:
        url: Its address, at a fixed revision if its publisher has any.
        sha256: SHA-256 of the file, 64 hex digits. None if we do not know it: then the first
            download is trusted and recorded, and later ones must equal it.
        in_zip: Whether `url` is a zip that contains the file in any folder.
    """

    url: str
    sha256: str | None
    in_zip: bool = False


@dataclass(frozen=True)
class DatasetInfo:
    """Description of a dataset, known before anything is read.

    Attributes:
        name: Name of the dataset and of its folder.
        version: Semantic version of our build, with ``+VARIANT`` for a variant.
        pretty_name: Name to display.
        summary: One-sentence description.
        description: A paragraph or two on the dataset and the origin of its clips and captions.
        licence: Licence of the data.
        homepage: Web page of the data; None without one.
        citation: BibTeX; empty without one.
        files: Annotation files by name.
        clips_from: How to get the clips, in a sentence or two.
        expected: Number of videos and captions of each published split; None for an unknown number
            of captions.
        flaws: Known problems, one sentence each.
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

    def variant(self, name: str) -> DatasetInfo:
        """Return the description of a variant of which no counts are published.

        Args:
            name: Name of the variant, added to the dataset's names and to its version.
        """
        return replace(
            self,
            name=f"{self.name}-{name}",
            version=f"{self.version}+{name}",
            pretty_name=f"{self.pretty_name} {name}",
            expected={},
        )


@runtime_checkable
class Footage(Protocol):
    """The source of a clip's pixels; small and picklable, to be sent to a worker process."""

    @property
    def label(self) -> str:
        """Name for messages, such as the file's path."""
        ...

    def identity(self) -> str:
        """Hash everything that the pixels depend on, to 64 hex digits.

        Raises:
            ClipError: The clip cannot be read.
        """
        ...

    @property
    def identity_is_sha256(self) -> bool:
        """Whether the identity is the SHA-256 of the file that `opened` yields."""
        ...

    def opened(self, scratch: Path) -> AbstractContextManager[Path]:
        """Yield a video file to decode; a temporary one is written to ``scratch``."""
        ...

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return the extra columns that depend on the times of frames."""
        ...


@dataclass(frozen=True, slots=True)
class ClipFile:
    """Footage in a video file.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    def label(self) -> str:
        """The path."""
        return str(self.path)

    def disk_file(self) -> Path:
        """Return the path."""
        return self.path

    def size_bytes(self) -> int:
        """Return the size of the file."""
        return self.path.stat().st_size

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
        """Yield the file itself."""
        yield self.path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return no columns."""
        return {}


@dataclass(frozen=True, slots=True)
class Clip:
    """The annotations of one video, and the source of its pixels.

    Attributes:
        video_id: Its id, verbatim.
        captions: Its captions, verbatim, in source order.
        split: ``train``, ``validation`` or ``test``.
        footage: Source of its pixels; None if no clip was found.
        category: Its category; None if the source has none.
        extra: Values of the dataset's extra columns that are known before decoding.
        where: Where it is named, such as ``captions.csv, line 12``, for messages.
    """

    video_id: str
    captions: tuple[str, ...]
    split: str
    footage: Footage | None = None
    category: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the values: ten times faster than a dataclass, which looks its fields up."""
        values = (self.video_id, self.captions, self.split, self.footage, self.category)
        return Clip, (*values, self.extra, self.where)


@dataclass(frozen=True)
class Source:
    """The input of the engine: a dataset's clips and annotations.

    Attributes:
        info: The dataset, with the name and version of this variant.
        clips: The clips in the order of their rows; `Packed` if there may be very many.
        sources: The annotation files that were read.
        extra_fields: Arrow fields of the columns besides the common ones.
        unused_clips: Clip files that match no id.
        notes: Remarks on this build for the card, one sentence each.
        offers_clips: Whether the user gave any clips.
        keeps_empty_captions: Whether empty captions are kept and reported, as for published data.
        version_is_stated: Whether the user states the version: then a later one stands beside an
            earlier one of the same name, not in its place.
        follows: Folder of the built dataset whose splits it keeps; None without one.
        seeks_near_duplicates: Whether a build looks for clips of different splits that look alike;
            False where all that clips have in common is known.
    """

    info: DatasetInfo
    clips: Sequence[Clip]
    sources: tuple[SourceRecord, ...] = ()
    extra_fields: tuple[pa.Field, ...] = ()
    unused_clips: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    offers_clips: bool = True
    keeps_empty_captions: bool = False
    version_is_stated: bool = False
    follows: Path | None = None
    seeks_near_duplicates: bool = True


@dataclass(frozen=True)
class Origin:
    """The collection from which a dataset's clips were taken.

    A dataset's module may define one as ``ORIGIN``.

    Attributes:
        name: Name of the collection; datasets of one collection can be compared by clip.
        clip_of: Takes a video id and returns the collection's name of the clip; None for an id of
            another form.

    Example:
        >>> era = Origin("ERA", lambda video_id: video_id.strip())
        >>> era.clip_of("Baseball_001 ")
        'Baseball_001'
    """

    name: str
    clip_of: Callable[[str], str | None]


def origin_of(manifest: Manifest) -> Origin | None:
    """Return the collection of a built dataset's clips.

    Args:
        manifest: Manifest of the dataset, which may have been built under another name.

    Returns:
        ``ORIGIN`` of the dataset's module; None without one.
    """
    for module in DATASETS.load_all().values():
        if _is_built_from(module, manifest):
            origin: Origin | None = getattr(module, "ORIGIN", None)
            return origin
    return None


def _is_built_from(module: ModuleType, manifest: Manifest) -> bool:
    info: DatasetInfo = module.INFO
    same_citation = bool(info.citation) and info.citation == manifest.citation
    return same_citation or info.name == manifest.name


Options = TypeVar("Options")


def required(help_text: str) -> Any:
    """Declare an option that must be given.

    Args:
        help_text: What it is, for the help page and for messages.

    Returns:
        A dataclass field without a default.
    """
    return dataclasses.field(metadata={"help": help_text})


def optional(
    default: object,
    help_text: str,
    *,
    choices: Sequence[str] = (),
    other_spellings: Sequence[str] = (),
) -> Any:
    """Declare an option with a default.

    Args:
        default: Its value when it is not given.
        help_text: What it is, for the help page and for messages.
        choices: What it takes, where that is a list of texts; ``Literal`` says the same.
        other_spellings: Further names of it on the command line, such as ``license``.

    Returns:
        A dataclass field.
    """
    metadata = {
        "help": help_text,
        "choices": tuple(choices),
        "other_spellings": tuple(other_spellings),
    }
    return dataclasses.field(default=default, metadata=metadata)


def make_options(kind: type[Options], dataset: str, given: Mapping[str, object]) -> Options:
    """Make a dataset's options from what the user gave.

    Args:
        kind: The ``Options`` class of a dataset file.
        dataset: The dataset's name, for messages.
        given: Option names (``validation_fraction``) and values, defaults left out.

    Returns:
        The options, checked by their own ``__post_init__``.

    Raises:
        ConfigError: An option that the dataset does not take, or one that it needs.
    """
    declared = {setting.name: setting for setting in settings_of(kind)}
    for name in given:
        if name not in declared:
            raise ConfigError(
                f"{flag(name)} is not an option of {dataset}: it takes "
                f"{', '.join(map(flag, declared)) or 'none'}"
            )
    for name, setting in declared.items():
        if setting.required and name not in given:
            raise ConfigError(f"{dataset} needs {flag(name)}: {setting.meaning}")
    return kind(**given)


def flag(name: str) -> str:
    """Return an option as it is typed on the command line.

    Example:
        >>> flag("validation_fraction")
        '--validation-fraction'
    """
    return "--" + name.replace("_", "-")
