"""Recall on the validation split during training; nothing here ever sees the test split."""

from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.retriever import Features
    from dvtr_bench.training.clips import Clips
    from dvtr_bench.training.contract import Trainable

_CLIPS_A_BATCH: Final = 16
_CAPTIONS_A_BATCH: Final = 256


def t2v_recall_at_1(model: "Trainable", split: "RetrievalSplit", clips: "Clips") -> float:
    """Return T2V R@1 of a model on a split, in percent, ties counted against it.

    A model that scores queries in blocks is scored in its own block, queries in file order.

    Args:
        model: The model.
        split: The validation split.
        clips: Its clips, pixels or encoded frames.

    Returns:
        A percentage.
    """
    videos = _join(
        [
            model.encode_prepared(_frames(model, clips, rows))
            for rows in _chunks(len(clips), _CLIPS_A_BATCH)
        ]
    )
    owner = torch.tensor(split.caption_video_index)
    hits = 0
    for rows in _chunks(len(owner), _caption_chunk(model)):
        texts = model.encode_texts([split.captions[row] for row in rows])
        scores = model.score(texts, videos).cpu()
        relevant = owner[rows]
        own = scores.gather(1, relevant[:, None])
        others = scores.scatter(1, relevant[:, None], -torch.inf)
        hits += int((others < own).all(dim=1).sum())
    return 100 * hits / len(owner)


def _frames(model: "Trainable", clips: "Clips", rows: list[int]) -> "Features":
    features = clips.batch(rows)
    if "pixels" in features:
        return model.encode_frames_eval(features)
    return {name: value.to(_device(model)) for name, value in features.items()}


def _caption_chunk(model: "Trainable") -> int:
    block = getattr(model, "text_block", 1) if model.scoring == "query_block" else 1
    return int(block) * max(1, _CAPTIONS_A_BATCH // int(block))


def _chunks(total: int, size: int) -> list[list[int]]:
    return [list(range(start, min(start + size, total))) for start in range(0, total, size)]


def _join(parts: "list[Features]") -> dict[str, torch.Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _device(model: "Trainable") -> torch.device:
    return next(iter(model.state_dict().values())).device
