"""Which split may be used for what, and that it is whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.dataset.manifest import FileRecord, Manifest
from dvtr_bench.errors import NotFoundError, ProtocolError
from dvtr_bench.runtime.files import file_sha256

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

IdKind: TypeAlias = Literal["caption", "video"]


def require_validation(split: "RetrievalSplit") -> None:
    """Refuse to choose a model, a checkpoint or a threshold on anything but validation.

    Args:
        split: The split that the choice would look at.

    Raises:
        ProtocolError: It is not ``validation``.
    """
    if split.name != "validation":
        raise ProtocolError(
            f"{split.dataset_name}: a model is chosen on the validation split, never on "
            f"{split.name}: pass the validation split (test is scored once, at the end)"
        )


def matching_rows(split: "RetrievalSplit", what: IdKind, ids: Sequence[str]) -> NDArray[np.int64]:
    """Find each id of a split among ids that someone brought; the order may differ, no id may.

    Args:
        split: What the dataset says.
        what: Whose ids they are: ``video`` for the gallery, ``caption`` for the queries.
        ids: The ids brought, each once.

    Returns:
        int64: for each row of the split, the place of its id among those brought.

    Raises:
        ProtocolError: Ids are missing or do not belong to the split; names the first of each.
    """
    wanted = split.video_ids if what == "video" else split.caption_ids
    place = {identifier: row for row, identifier in enumerate(ids)}
    rows = np.fromiter((place.get(one, -1) for one in wanted), np.int64, len(wanted))
    missing = np.flatnonzero(rows < 0)
    known = set(wanted)
    strangers = [one for one in ids if one not in known]
    if missing.size or strangers:
        problems = []
        if missing.size:
            first = wanted[int(missing[0])]
            problems.append(f"{len(missing)} are missing, the first {first!r}")
        if strangers:
            problems.append(f"{len(strangers)} are not of the split, the first {strangers[0]!r}")
        raise ProtocolError(
            f"the {len(ids)} {what} ids are not the {len(wanted)} of {split.dataset_name} "
            f"{split.name}: {'; '.join(problems)}. Score every {what} of the split and no other; "
            "ids are compared verbatim, spaces included"
        )
    return rows


def require_whole_split(split: "RetrievalSplit") -> None:
    """Refuse a split whose ids are not those that its dataset was built with.

    Args:
        split: A split; one that carries the manifest of its dataset is checked against it.

    Raises:
        ProtocolError: Videos or captions are missing, added or in another order, or the dataset's
            files were changed since.
        NotFoundError: There is nothing to search or to search with.
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
    found = (ids_sha256(split.video_ids), ids_sha256(split.caption_ids))
    names = ("video_ids_sha256", "caption_ids_sha256")
    for name, digest in zip(names, found, strict=True):
        if digest != getattr(record, name):
            raise ProtocolError(
                f"{split.dataset_name} {split.name}: {name} is {digest[:12]}, but the dataset was "
                f"built with {getattr(record, name)[:12]} ({record.num_videos} videos, "
                f"{record.num_captions} captions; found {len(split.video_ids)} and "
                f"{len(split.captions)}): evaluate the whole split as it was built"
            )
    folder = getattr(split, "folder", None)
    if isinstance(folder, Path):
        _require_files_as_built(folder, record.files)


def _require_files_as_built(folder: Path, files: Sequence[FileRecord]) -> None:
    """Refuse captions that were edited under their ids, and files of another size.

    Frames may fill a disk, so their files are measured and not read.
    """
    for file in files:
        path = folder / file.path
        changed = path.stat().st_size != file.size_bytes
        if file.config == "captions" and not changed:
            changed = file_sha256(path) != file.sha256
        if changed:
            raise ProtocolError(
                f"{path} is not the file that the dataset was built with: it was changed since. "
                "Build the dataset again, or copy it again from where it came"
            )
