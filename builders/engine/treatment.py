"""What was applied to the footage of a dataset, as a column and in words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from builders.engine.clip_work import StagedClip
from builders.sources.source import Source
from dvtr_bench.dataset.manifest import TREATMENT_FIELD

_MEANINGS: Final = {
    "deinterlaced: bwdif": "deinterlaced by bwdif",
    "tone-mapped: hlg": "tone-mapped from HDR (HLG)",
    "tone-mapped: pq": "tone-mapped from HDR (PQ)",
    "cropped": "cropped as the container says",
    "pixel aspect": "made of square pixels",
    "sizes made one": "with pictures of several sizes, brought to the first one's",
    "times by count": "without usable time stamps, sampled by count",
    "times bridged": "with time stamps that jump, bridged",
    "times repeated": "with repeated time stamps",
    "empty slots": "in AVI with empty slots between B-frames",
    "interlaced": "interlaced and left so",
}


def treatment_counts(treatments: Iterable[Iterable[str] | None]) -> dict[str, int]:
    """Count clips by what was applied to them.

    Args:
        treatments: The column ``source_treatment``.

    Returns:
        Number of clips by kind, the most frequent first; details are left out if they have figures.

    Example:
        >>> treatment_counts([["pixel aspect: 64:45", "deinterlaced: bwdif"], None])
        {'deinterlaced: bwdif': 1, 'pixel aspect': 1}
    """
    counts = Counter[str]()
    for treatment in treatments:
        counts.update({_kind(applied) for applied in treatment or ()})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def with_treatment(source: Source, staged: Mapping[str, StagedClip]) -> Source:
    """Add the column ``source_treatment`` and a note, if any clip was treated.

    Args:
        source: The source, with only the clips that are in the dataset.
        staged: Stored clips by video id; empty without frames.

    Returns:
        The source; unchanged if all pictures are stored as they were coded.
    """
    if not staged:
        return source
    name = TREATMENT_FIELD.name
    counts = treatment_counts(staged[clip.video_id].columns.get(name) for clip in source.clips)
    if not counts:
        return source
    listed = "; ".join(f"{count:,} {_MEANINGS.get(kind, kind)}" for kind, count in counts.items())
    return replace(
        source,
        extra_fields=(*source.extra_fields, TREATMENT_FIELD),
        notes=(*source.notes, f"Clips whose pictures are not as coded ({name}): {listed}."),
    )


def _kind(applied: str) -> str:
    kind, _, detail = applied.partition(": ")
    return kind if not detail or any(map(str.isdigit, detail)) else applied
