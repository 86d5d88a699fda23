"""Recall on the validation split during training; nothing here ever sees the test split."""

from typing import TYPE_CHECKING, Final

import torch

from dvtr_bench.features.encode import join_features
from dvtr_bench.runtime.processes import ALONE

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.runtime.processes import Processes
    from dvtr_bench.training.inputs import Items, SplitInputs

_CLIPS_A_BATCH: Final = 16
_CAPTIONS_A_BATCH: Final = 256


def t2v_recall_at_1(
    model: "Trainable",
    split: "RetrievalSplit",
    inputs: "SplitInputs",
    processes: "Processes" = ALONE,
) -> float:
    """Return T2V R@1 of a model on a split, in percent, ties counted against it.

    A model that scores queries in blocks is scored in its own block, queries in file order.

    Args:
        model: The model.
        split: The validation split.
        inputs: Its captions and clips, encoded or not.
        processes: Those that share the work.

    Returns:
        A percentage, the same in every process.
    """
    videos = _encode_videos(model, inputs.clips, processes)
    owner = torch.tensor(split.caption_video_index)
    hits = torch.zeros(1, dtype=torch.int64)
    for rows in processes.mine(_chunks(len(owner), _caption_chunk(model))):
        texts = model.head_texts(_texts(model, inputs.captions, rows))
        scores = model.score(texts, videos).cpu()
        relevant = owner[rows]
        own = scores.gather(1, relevant[:, None])
        others = scores.scatter(1, relevant[:, None], -torch.inf)
        hits += (others < own).all(dim=1).sum()
    processes.add_up([hits])
    return 100 * hits.item() / len(owner)


def _encode_videos(model: "Trainable", clips: "Items", processes: "Processes") -> "Features":
    chunks = list(enumerate(_chunks(len(clips), _CLIPS_A_BATCH)))
    mine = {
        number: model.encode_prepared(_frames(model, clips, rows))
        for number, rows in processes.mine(chunks)
    }
    if processes.count > 1:
        on_cpu = {number: _moved(part, torch.device("cpu")) for number, part in mine.items()}
        everyones: dict[int, Features] = {}
        for theirs in processes.gathered(on_cpu):
            everyones.update(theirs)
        mine = {number: _moved(part, _device(model)) for number, part in everyones.items()}
    return join_features([mine[number] for number, _ in chunks], model.name)


def _texts(model: "Trainable", captions: "Items", rows: list[int]) -> "Features":
    features = captions.batch(rows)
    return features if captions.encoded else model.encode_tokens_eval(features["tokens"])


def _frames(model: "Trainable", clips: "Items", rows: list[int]) -> "Features":
    features = clips.batch(rows)
    if clips.encoded:
        return _moved(features, _device(model))
    return model.encode_frames_eval(features)


def _caption_chunk(model: "Trainable") -> int:
    block = getattr(model, "text_block", 1) if model.scoring == "query_block" else 1
    return int(block) * max(1, _CAPTIONS_A_BATCH // int(block))


def _chunks(total: int, size: int) -> list[list[int]]:
    return [list(range(start, min(start + size, total))) for start in range(0, total, size)]


def _moved(features: "Features", device: torch.device) -> "Features":
    return {name: value.to(device) for name, value in features.items()}


def _device(model: "Trainable") -> torch.device:
    return next(iter(model.state_dict().values())).device
