"""Which split may be used for what, and that it is whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.errors import NotFoundError, ProtocolError

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


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


def require_ids(
    split: "RetrievalSplit", video_ids: Sequence[str], caption_ids: Sequence[str]
) -> None:
    """Refuse a gallery or queries other than the split's own, in its order.

    Args:
        split: What the dataset says.
        video_ids: Ids of the gallery that was scored.
        caption_ids: Ids of the queries that were scored.

    Raises:
        ProtocolError: Another id, another number or another order; names the first difference.
    """
    pairs = (("gallery", video_ids, split.video_ids), ("queries", caption_ids, split.caption_ids))
    for what, found, expected in pairs:
        if ids_sha256(found) != ids_sha256(expected):
            raise ProtocolError(
                f"the {what} are not those of {split.dataset_name} {split.name}: "
                f"{_first_difference(found, expected)}. Score every id of the split, in its order"
            )


def require_whole_split(split: "RetrievalSplit") -> None:
    """Refuse a split whose ids are not those that its dataset was built with.

    Args:
        split: A split; one that carries the manifest of its dataset is checked against it.

    Raises:
        ProtocolError: Videos or captions are missing, added or in another order.
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


def _first_difference(found: Sequence[str], expected: Sequence[str]) -> str:
    for row, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return f"row {row} is {one!r}, expected {other!r}"
    return f"{len(found)} ids, expected {len(expected)}"
