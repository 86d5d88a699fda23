"""The interface of a dataset split: queries, gallery, relevance, frames, and rules about splits.

Of some datasets (aerosynth) the facts of videos are known, and which of them each caption mentions.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.dataset.fingerprint import Queries, ids_sha256, require_contents
from dvtr_bench.dataset.manifest import CLIPS_CONFIG, FileRecord, Manifest
from dvtr_bench.errors import InputError, NotFoundError, ProtocolError
from dvtr_bench.runtime.files import file_sha256

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames


@runtime_checkable
class RetrievalSplit(Protocol):
    """The queries (captions) and the gallery (videos) of one split, in file order.

    `dvtr_bench.dataset.parquet_split.DatasetSplit` implements it for built datasets.
    """

    @property
    def dataset_name(self) -> str:
        """Name of the dataset, such as ``usrd``."""
        ...

    @property
    def dataset_version(self) -> str:
        """Version of the dataset, such as ``1.0.0``."""
        ...

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the dataset, a hash of rows and settings."""
        ...

    @property
    def name(self) -> str:
        """``train``, ``validation`` or ``test``."""
        ...

    @property
    def sampling(self) -> str:
        """How the frames were sampled, such as ``uniform:12``."""
        ...

    @property
    def video_ids(self) -> tuple[str, ...]:
        """V ids, verbatim, in row order."""
        ...

    @property
    def categories(self) -> tuple[str | None, ...]:
        """V categories."""
        ...

    @property
    def caption_ids(self) -> tuple[str, ...]:
        """T ids: for each video in row order, its captions in source order."""
        ...

    @property
    def captions(self) -> tuple[str, ...]:
        """T captions, verbatim."""
        ...

    @property
    def caption_video_index(self) -> "NDArray[np.int64]":
        """int64, T: the row of each caption's video, in 0..V-1."""
        ...

    @property
    def has_frames(self) -> bool:
        """False for an annotations-only dataset."""
        ...

    def frames(self, index: int) -> "Frames":
        """Return the stored frames of video ``index``, decoded: RGB uint8 arrays, in time order."""
        ...

    def row(self, index: int) -> Mapping[str, Any]:
        """Return all other columns of video ``index``, with the dataset's extra columns."""
        ...


IdKind: TypeAlias = Literal["caption", "video"]


def require_validation(split: "RetrievalSplit") -> None:
    """Refuse to choose a model, a checkpoint or a threshold on another split than validation.

    Args:
        split: The split to choose on.

    Raises:
        ProtocolError: It is not ``validation``.
    """
    if split.name != "validation":
        raise ProtocolError(
            f"{split.dataset_name}: a model is chosen on the validation split, never on "
            f"{split.name}: pass the validation split (test is scored once, at the end)"
        )


def matching_rows(split: "RetrievalSplit", what: IdKind, ids: Sequence[str]) -> NDArray[np.int64]:
    """Locate each id of a split in given ids, which must be the same ids in any order.

    Args:
        split: The split.
        what: The kind of ids: ``video`` for the gallery, ``caption`` for the queries.
        ids: The given ids, without duplicates.

    Returns:
        int64: for each row of the split, the position of its id in ``ids``.

    Raises:
        ProtocolError: Ids are missing or do not belong to the split; the message names the first
            of each.
    """
    expected = split.video_ids if what == "video" else split.caption_ids
    positions = {identifier: position for position, identifier in enumerate(ids)}
    rows = np.fromiter((positions.get(id_, -1) for id_ in expected), np.int64, len(expected))
    missing = np.flatnonzero(rows < 0)
    known = set(expected)
    unknown = [id_ for id_ in ids if id_ not in known]
    if missing.size or unknown:
        problems = []
        if missing.size:
            first = expected[int(missing[0])]
            problems.append(f"{len(missing)} are missing, the first {first!r}")
        if unknown:
            problems.append(f"{len(unknown)} are not in the split, the first {unknown[0]!r}")
        raise ProtocolError(
            f"the {len(ids)} {what} ids are not the {len(expected)} of {split.dataset_name} "
            f"{split.name}: {'; '.join(problems)}. Score every {what} of the split and no other; "
            "ids are compared verbatim, spaces included"
        )
    return rows


def require_whole_split(split: "RetrievalSplit") -> None:
    """Refuse a split that is not as it was built.

    Args:
        split: A split; it is compared with the manifest of its dataset if it has one.

    Raises:
        ProtocolError: Videos or captions are missing, added or in another order, the dataset's
            files have changed, or its rows do not give its fingerprint.
        NotFoundError: The split has no videos or no captions, or a file of the dataset is missing.
        InputError: A file of the dataset cannot be read.
    """
    if not len(split.video_ids) or not len(split.captions):
        raise NotFoundError(
            f"{split.dataset_name} {split.name} has {len(split.video_ids)} videos and "
            f"{len(split.captions)} captions: an evaluation needs at least one of each"
        )
    manifest = getattr(split, "manifest", None)
    if not isinstance(manifest, Manifest):
        return
    record = manifest.splits[split.name]
    digests = {
        "video_ids_sha256": ids_sha256(split.video_ids),
        "caption_ids_sha256": ids_sha256(split.caption_ids),
    }
    for name, digest in digests.items():
        if digest != getattr(record, name):
            raise ProtocolError(
                f"{split.dataset_name} {split.name}: {name} is {digest[:12]}, but the dataset was "
                f"built with {getattr(record, name)[:12]} ({record.num_videos} videos, "
                f"{record.num_captions} captions; found {len(split.video_ids)} and "
                f"{len(split.captions)}): evaluate the split exactly as it was built"
            )
    folder = getattr(split, "folder", None)
    if isinstance(folder, Path):
        _require_files_as_built(folder, record.files)
        video_ids = tuple(split.video_ids[row] for row in split.caption_video_index)
        queries = Queries(split.name, split.caption_ids, video_ids, split.captions)
        require_contents(folder, manifest, queries)


def _require_files_as_built(folder: Path, files: Sequence[FileRecord]) -> None:
    """Refuse edited captions, and files of another size.

    Files with frames may be very large, so only their sizes are compared. The files of the clips,
    which no evaluation reads, may be missing.
    """
    for file in files:
        if file.config == CLIPS_CONFIG:
            continue
        path = folder / file.path
        changed = path.stat().st_size != file.size_bytes
        if file.config == "captions" and not changed:
            changed = file_sha256(path) != file.sha256
        if changed:
            raise ProtocolError(
                f"{path} was changed after the dataset was built. Build the dataset again, or copy "
                "it again from its source"
            )


MENTIONS_COLUMN: Final = "caption_mentions"
FACTS_COLUMN: Final = "facts"


def knows_facts(row: Mapping[str, Any]) -> bool:
    """Return whether a row has the columns of facts and mentions."""
    return MENTIONS_COLUMN in row and FACTS_COLUMN in row


def video_facts(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the facts of each video, by name.

    Args:
        rows: V rows of a split with the column `FACTS_COLUMN`.

    Returns:
        V dicts.

    Example:
        >>> video_facts([{"facts": [{"name": "colour", "value": "red"}]}])
        [{'colour': 'red'}]
    """
    return [{fact["name"]: fact["value"] for fact in row[FACTS_COLUMN]} for row in rows]


def caption_mentions(
    split: "RetrievalSplit", rows: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the mentions of each caption.

    Args:
        split: A split whose column `MENTIONS_COLUMN` has a list a video, with one entry a caption.
        rows: V rows of the split.

    Returns:
        T entries of the column, in the order of the captions.

    Raises:
        InputError: A video has more captions than entries.
    """
    num_mentions: Counter[int] = Counter()
    by_caption: list[Mapping[str, Any]] = []
    for video in split.caption_video_index.tolist():
        mentions = rows[video][MENTIONS_COLUMN]
        if num_mentions[video] >= len(mentions):
            raise InputError(
                f"{split.dataset_name} {split.name}: video {split.video_ids[video]!r} has more "
                f"captions than the {len(mentions)} of its {MENTIONS_COLUMN}: build it again"
            )
        by_caption.append(mentions[num_mentions[video]])
        num_mentions[video] += 1
    return by_caption
