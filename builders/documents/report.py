"""`build-report.json`: findings about clips and captions, and what was left out."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from builders.engine.earlier_versions import treatment_counts
from builders.engine.parquet import Rows
from builders.sources.segments import SEGMENT_FIELDS
from builders.sources.source import Clip
from dvtr_bench.dataset.manifest import SPLITS, TREATMENT_FIELD, FrameRecord
from dvtr_bench.ranking.ceilings import normalise_text, shared_text
from dvtr_bench.reading.json_records import MAY_BE_ABSENT, to_json
from dvtr_bench.reading.json_toml_text import readable_json
from dvtr_bench.video.model_view import seen_part, seen_share, seen_text

LONG_CAPTION_WORDS: Final = 30


@dataclass(frozen=True)
class CaptionReport:
    """Statistics of the captions of one split.

    Attributes:
        num_captions: Number of captions.
        shared_percent: Percent of captions whose text another video of the split also has.
        identical_caption_ceiling: Resulting highest t2v R@1, in percent.
        in_train_percent: Percent of captions that occur word for word in train; None for train
            itself and without a train split.
        over_30_words: Number of captions of more than 30 words.
        empty: Ids of captions without words.
        videos_repeating_a_caption: Videos that have one caption more than once.
        mean_words: Mean number of words per caption.
    """

    num_captions: int
    shared_percent: float
    identical_caption_ceiling: float
    in_train_percent: float | None
    over_30_words: int
    empty: tuple[str, ...]
    videos_repeating_a_caption: int
    mean_words: float


@dataclass(frozen=True)
class ClipReport:
    """Statistics of the clips, collected while decoding.

    Attributes:
        codecs: Number of clips by codec.
        sizes_px: Number of clips by coded size, such as ``1920x1080``.
        colour: Number of clips by colour handling, ``assumed`` if the file does not state it.
        rotated: Number of rotated clips.
        fps: Lowest and highest mean frame rate.
        duration_seconds: Shortest and longest duration.
        identical_files: Groups of ids whose files have the same bytes.
        treatment: Number of clips by what was applied to their footage; None if nothing was.
    """

    codecs: Mapping[str, int]
    sizes_px: Mapping[str, int]
    colour: Mapping[str, int]
    rotated: int
    fps: tuple[float, float]
    duration_seconds: tuple[float, float]
    identical_files: tuple[tuple[str, ...], ...]
    treatment: Mapping[str, int] | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True)
class NearPair:
    """Two clips of different splits that show the same pictures.

    Attributes:
        first_split: Split of the first clip.
        first_id: Its id, verbatim.
        second_split: Split of the second clip.
        second_id: Its id, verbatim.
        common_frames: Stored frames of one clip that are found in the other; the smaller of both
            directions.
        mirrored: Whether left and right are exchanged.
    """

    first_split: str
    first_id: str
    second_split: str
    second_id: str
    common_frames: int
    mirrored: bool


@dataclass(frozen=True)
class SplitOverlap:
    """Near-duplicates between two splits.

    Attributes:
        first_split: A split.
        second_split: Another one.
        pairs: Pairs of clips.
        first_clips: Clips of the first that have a near-duplicate in the second.
        second_clips: Clips of the second that have one in the first.
    """

    first_split: str
    second_split: str
    pairs: int
    first_clips: int
    second_clips: int


@dataclass(frozen=True)
class NearDuplicates:
    """Clips of different splits that look alike; candidates, to be looked at.

    Attributes:
        max_bits: Two frames match if their perceptual hashes differ in at most this many bits.
        min_frames: Two clips are a pair if at least this many frames of each match.
        splits: Counts by pair of splits that share any, test and train first.
        pairs: The pairs, in the same order, those with most frames in common first; no more than
            the audit lists.
    """

    max_bits: int
    min_frames: int
    splits: tuple[SplitOverlap, ...]
    pairs: tuple[NearPair, ...]


@dataclass(frozen=True)
class BuildReport:
    """The whole report.

    Attributes:
        captions: By split.
        clips: None in an annotations-only build.
        left_out: Ids and files that were left out, by reason.
        notes: Sentences for readers.
        near_duplicates: Clips of different splits that look alike; None if they were not looked
            for.
    """

    captions: Mapping[str, CaptionReport]
    clips: ClipReport | None
    left_out: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]
    near_duplicates: NearDuplicates | None = field(
        default=None, kw_only=True, metadata=MAY_BE_ABSENT
    )

    def to_text(self) -> str:
        """Return the JSON text of the report."""
        return readable_json(to_json(self), indent=2) + "\n"


def make_report(rows: Rows, left_out: Mapping[str, tuple[str, ...]]) -> BuildReport:
    """Make the report of a dataset's rows.

    Args:
        rows: The rows.
        left_out: What was left out, by reason.

    Returns:
        The report.
    """
    captions: dict[str, CaptionReport] = {}
    train_texts: set[str] | None = None
    for split in SPLITS:  # train is the first
        if clips := rows.of_split(split):
            captions[split], texts = _caption_report(clips, train_texts)
            train_texts = set(texts) if split == "train" else train_texts
    return BuildReport(
        captions=captions,
        clips=_clip_report(rows) if rows.staged else None,
        left_out=left_out,
        notes=rows.source.notes,
    )


def _caption_report(
    clips: Sequence[Clip], train_texts: set[str] | None
) -> tuple[CaptionReport, list[str]]:
    """Look over the captions of one split; return them too."""
    captions: list[str] = []
    counts = array("l")
    empty: list[str] = []
    repeating = 0
    for clip in clips:
        captions += clip.captions
        counts.append(len(clip.captions))
        repeating += len(set(map(normalise_text, clip.captions))) < len(clip.captions)
        empty += (
            f"{clip.video_id}#{number}"
            for number, caption in enumerate(clip.captions)
            if not caption.split()
        )
    words = array("l", (len(caption.split()) for caption in captions))
    index = np.repeat(np.arange(len(clips)), counts)
    shared = shared_text(captions, index)
    num_in_train = sum(caption in train_texts for caption in captions) if train_texts else None
    report = CaptionReport(
        num_captions=len(captions),
        shared_percent=round(shared.shared_percent, 6),
        identical_caption_ceiling=round(shared.ceiling, 6),
        in_train_percent=None
        if num_in_train is None
        else round(100 * num_in_train / len(captions), 6),
        over_30_words=sum(count > LONG_CAPTION_WORDS for count in words),
        empty=tuple(empty),
        videos_repeating_a_caption=repeating,
        mean_words=round(sum(words) / len(words), 3),
    )
    return report, captions


def center_crop_note(clips: ClipReport, frames: FrameRecord) -> str:
    """Say how much of the pictures a model sees that cuts out their middle, as CLIP does."""
    sizes = (map(int, size.split("x")) for size in clips.sizes_px)
    shares = [seen_share(seen_part(height, width, frames.short_side_px)) for width, height in sizes]
    return (
        f"A model that cuts out the middle, as CLIP does, sees {seen_text(shares, 'center_crop')}; "
        "`frame_fit=squash` and `frame_fit=letterbox` show all of it."
    )


def _clip_report(rows: Rows) -> ClipReport:
    codecs, sizes, colours = Counter[str](), Counter[str](), Counter[str]()
    rotated = 0
    rates, lengths = array("d"), array("d")
    same: dict[tuple[bytes, object], list[str]] = {}
    treatments: list[list[str]] = []
    for clip in rows.source.clips:
        values = rows.staged[clip.video_id].columns
        codecs[values["source_codec"]] += 1
        sizes[f"{values['source_width_px']}x{values['source_height_px']}"] += 1
        colours[values["source_colour"]] += 1
        rotated += values["rotation_degrees"] != 0
        treatments.append(values.get(TREATMENT_FIELD.name) or [])
        rates.append(values["source_fps"])
        lengths.append(values["duration_seconds"])
        # Different parts of one file are different clips.
        part = tuple(clip.extra.get(field.name) for field in SEGMENT_FIELDS)
        same.setdefault((bytes.fromhex(values["clip_sha256"]), part), []).append(clip.video_id)
    return ClipReport(
        codecs=dict(codecs.most_common()),
        sizes_px=dict(sizes.most_common()),
        colour=dict(colours.most_common()),
        rotated=rotated,
        fps=(round(min(rates), 3), round(max(rates), 3)),
        duration_seconds=(round(min(lengths), 3), round(max(lengths), 3)),
        identical_files=tuple(tuple(ids) for ids in same.values() if len(ids) > 1),
        treatment=treatment_counts(treatments) or None,
    )
