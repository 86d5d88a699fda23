"""The two searches: clips for a text, captions for a clip."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch

from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.features.encode import encode_batch, select_rows
from dvtr_bench.features.encode_split import encode_all_texts, encode_all_videos
from dvtr_bench.searching.candidates import RERANK, best_candidates
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.frame_store import FrameFormat, decode_frame, encode_frame
from dvtr_bench.video.sampling import Sampling

if TYPE_CHECKING:
    from dvtr_bench.dataset.manifest import FrameRecord
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames, Retriever


@dataclass(frozen=True)
class FoundClip:
    """A clip found for a text.

    Attributes:
        rank: From 1.
        score: The model's score.
        row: Row of the clip in the split.
        video_id: Its id.
        category: Its category, if it has one.
        captions: Its captions.
    """

    rank: int
    score: float
    row: int
    video_id: str
    category: str | None
    captions: tuple[str, ...]


@dataclass(frozen=True)
class FoundCaption:
    """A caption found for a clip.

    Attributes:
        rank: From 1.
        score: The model's score.
        caption: Its text.
        rows: Rows of the clips in the split that have it.
        video_ids: Their ids.
        categories: Their categories.
    """

    rank: int
    score: float
    caption: str
    rows: tuple[int, ...]
    video_ids: tuple[str, ...]
    categories: tuple[str | None, ...]


def require_text(text: str) -> None:
    """Raise InputError for an empty text."""
    if not text.strip():
        raise InputError('the text to search for is empty: write one, such as "a red truck turns"')


def search_clips(
    model: "Retriever",
    split: "RetrievalSplit",
    text: str,
    *,
    top: int = 10,
    rerank: int = RERANK,
    cache: bool = True,
    show_progress: bool = True,
) -> tuple[FoundClip, ...]:
    """Find the clips of a split that fit a text best.

    Args:
        model: The model, on its device.
        split: The split, with frames.
        text: Free text.
        top: Number of clips.
        rerank: Number of clips to score if the model's vectors are coarse.
        cache: Whether to store backbone features beside the dataset and reuse them.
        show_progress: False for no progress bars.

    Returns:
        Best first.

    Raises:
        InputError: The text is empty.
        NotFoundError: The split has no frames.
    """
    require_text(text)
    batch = EvaluationConfig().video_batch
    videos = encode_all_videos(model, split, batch, cache=cache, show_progress=show_progress)
    query = encode_batch(model.encode_texts, [text], 1, f"{model.name}: encode_texts")
    candidates = best_candidates(model, query, videos.features, "videos", top=top, rerank=rerank)
    return tuple(
        FoundClip(
            rank=rank,
            score=candidate.score,
            row=candidate.row,
            video_id=split.video_ids[candidate.row],
            category=split.categories[candidate.row],
            captions=tuple(
                split.captions[row]
                for row in np.flatnonzero(split.caption_video_index == candidate.row)
            ),
        )
        for rank, candidate in enumerate(candidates, start=1)
    )


def search_captions(
    model: "Retriever",
    split: "RetrievalSplit",
    frames: "Frames",
    *,
    top: int = 10,
    rerank: int = RERANK,
    cache: bool = True,
    show_progress: bool = True,
) -> tuple[FoundCaption, ...]:
    """Find the captions of a split that fit a clip best; each text once.

    Args:
        model: The model, on its device.
        split: The split to search.
        frames: Frames of the clip, as the dataset stores them: see `read_clip`.
        top: Number of captions.
        rerank: Number of captions to score if the model's vectors are coarse.
        cache: Whether to store backbone features beside the dataset and reuse them.
        show_progress: False for no progress bars.

    Returns:
        Best first.
    """
    batch = EvaluationConfig().text_batch
    texts = encode_all_texts(
        model,
        split,
        batch,
        cache=cache,
        order_seed=EvaluationConfig().sample.seed,  # as evaluations do, to use the same features
        show_progress=show_progress,
    )
    rows_by_caption: dict[str, list[int]] = {}
    for caption_row, caption in enumerate(split.captions):
        rows_by_caption.setdefault(caption, []).append(caption_row)
    distinct = list(rows_by_caption)
    firsts = torch.tensor([rows_by_caption[caption][0] for caption in distinct])
    query = encode_batch(model.encode_videos, [frames], 1, f"{model.name}: encode_videos")
    gallery = select_rows(texts.features, firsts)
    candidates = best_candidates(model, query, gallery, "texts", top=top, rerank=rerank)
    captions = []
    for rank, candidate in enumerate(candidates, start=1):
        caption = distinct[candidate.row]
        video_rows = split.caption_video_index[rows_by_caption[caption]]
        rows = tuple(dict.fromkeys(int(row) for row in video_rows))
        captions.append(
            FoundCaption(
                rank=rank,
                score=candidate.score,
                caption=caption,
                rows=rows,
                video_ids=tuple(split.video_ids[row] for row in rows),
                categories=tuple(split.categories[row] for row in rows),
            )
        )
    return tuple(captions)


def read_clip(path: Path, like: "FrameRecord") -> "Frames":
    """Decode a clip and sample, resize and compress its frames like those of a dataset.

    Args:
        path: The clip.
        like: How the dataset's frames were made, from its manifest.

    Returns:
        RGB uint8 frames in time order: the same pixels that a build would store.

    Raises:
        ClipError: The clip is missing, no video, cut off or damaged.
        InputError: The manifest has a frame format that this version does not know.
    """
    frame_format = _frame_format(like.image_format)
    clip = extract_frames(path, Sampling.parse(like.sampling), short_side_px=like.short_side_px)
    return [decode_frame(encode_frame(frame, frame_format)) for frame in clip.frames]


def _frame_format(text: str) -> FrameFormat:
    kind, _, rest = text.partition(":")
    if text == "png":
        return FrameFormat("png")
    quality, _, chroma = rest.partition(":")
    if kind != "jpeg" or not quality.isdecimal():
        raise InputError(
            f"the dataset stores its frames as {text!r}: expected png or such as jpeg:94:4:4:4; "
            "update dvtr-bench or build the dataset again"
        )
    return FrameFormat("jpeg", int(quality), cast("Literal['4:4:4', '4:2:2', '4:2:0']", chroma))
