"""Models that read captions and frames when they are scored, against the same models by vectors."""

import numpy as np
import pytest
import torch

from dvtr_bench.errors import InputError, NotFoundError, ProtocolError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.rerank import Reranker
from dvtr_bench.features.encode import select_rows
from dvtr_bench.features.encode_split import encode_split
from dvtr_bench.features.late import LateFeatures
from dvtr_bench.models.retriever import LateEncoder
from dvtr_bench.searching.searches import search_captions, search_clips
from tests.fixtures.memory_split import BlockModel, HonestModel, MemorySplit


class Late(HonestModel):
    """`HonestModel`, whose features are the captions and the frames."""

    encodes_late = True

    def __init__(self) -> None:
        self.frames_at_once = 0

    def encode_texts(self, captions):
        longest = max(len(caption) for caption in captions)  # another in each batch
        rows = [list(caption.ljust(longest).encode()) for caption in captions]
        return {"text": torch.tensor(rows, dtype=torch.uint8)}

    def encode_videos(self, videos):
        self.frames_at_once = max(self.frames_at_once, sum(len(video) for video in videos))
        return {"frames": torch.from_numpy(np.array(videos))}

    def score(self, texts, videos):
        captions = [bytes(row.tolist()).decode().rstrip() for row in texts["text"]]
        inner = HonestModel()
        return inner.score(inner.encode_texts(captions), inner.encode_videos(videos["frames"]))


class Accompanied(Late):
    """Scores depend on the other videos of a call."""

    name = "accompanied"

    def score(self, texts, videos):
        scores = super().score(texts, videos)
        return scores - 0.3 * scores.mean(dim=1, keepdim=True)


class LateBlock(Late):
    """`BlockModel`, whose features are the captions and the frames."""

    name, scoring = "blocky", "query_block"

    def __init__(self, text_block=4) -> None:
        super().__init__()
        self.text_block = text_block

    def at_block(self, text_block):
        return type(self)(text_block)

    def score(self, texts, videos):
        parts = super().score(texts, videos).split(self.text_block)
        return torch.cat([part - 0.5 * part.mean(0) for part in parts])


@pytest.fixture(scope="module")
def split():
    words = ("boat", "car", "field", "lake", "road", "roof")
    random = np.random.default_rng(5)
    return MemorySplit(
        [
            [f"{' '.join(random.choice(words, 1 + one))} {video}" for one in range(1 + video % 3)]
            for video in range(40)
        ]
    )


@pytest.mark.parametrize(("late", "plain"), [(Late, HonestModel), (LateBlock, BlockModel)])
def test_ranks_are_those_of_the_model_by_vectors(split, late, plain) -> None:
    found = evaluate(late(), split, show_progress=False).records
    expected = evaluate(plain(), split, show_progress=False).records
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert (mine.ranks, mine.metrics) == (theirs.ranks, theirs.metrics)
        assert mine.dataset.frames_per_video == 2
        assert {check.check for check in mine.honesty} == {check.check for check in theirs.honesty}


def test_a_reranker_gives_the_same_ranks_too(split) -> None:
    found, expected = (
        evaluate(BlockModel(), split, reranker=Reranker(second, 8), show_progress=False).records[-1]
        for second in (Late(), HonestModel())
    )
    assert (found.ranks, found.metrics) == (expected.ranks, expected.metrics)
    assert len(found.honesty) == len(expected.honesty)


def test_frames_are_not_kept(split) -> None:
    model = Late()
    assert isinstance(model, LateEncoder)
    assert not isinstance(HonestModel(), LateEncoder)
    encoded = encode_split(model, split, text_batch=8, video_batch=8, show_progress=False)
    for features in (encoded.texts, encoded.videos):
        assert isinstance(features, LateFeatures)
        assert sum(value.nbytes for value in features.values()) <= 8 * 80
    assert model.frames_at_once == 0
    assert encoded.frames_per_video == 2
    evaluate(model, split, reranker=Reranker(model, 30), show_progress=False)
    assert 0 < model.frames_at_once <= 2 * 16 < 2 * len(split.video_ids)


def test_every_frame_is_looked_at_once_before(split) -> None:
    seen = []
    encode_split(
        Late(), split, text_batch=8, video_batch=8, show_progress=False,
        look=lambda row, frames: seen.append((row, int(frames[0][0, 0, 0]))),
    )  # fmt: skip
    assert seen == [(row, row) for row in range(40)]


def test_a_model_that_looks_at_the_company_is_refused(split) -> None:
    config = EvaluationConfig(block_videos=11)
    with pytest.raises(ProtocolError, match="accompanied claims pairwise scoring"):
        evaluate(Accompanied(), split, config=config, show_progress=False)
    with pytest.raises(ProtocolError, match="reranker: accompanied claims pairwise scoring"):
        evaluate(HonestModel(), split, reranker=Reranker(Accompanied(), 8), show_progress=False)


def test_searches_read_frames_as_they_need_them(split) -> None:
    clips = [search_clips(model, split, "roof 7", show_progress=False) for model in
             (Late(), HonestModel())]  # fmt: skip
    assert clips[0] == clips[1]
    frames = split.frames(7)
    texts = [search_captions(model, split, frames, show_progress=False) for model in
             (Late(), HonestModel())]  # fmt: skip
    assert texts[0] == texts[1]


def test_rows_stay_rows_when_they_are_selected(split) -> None:
    late = LateFeatures("videos", split, torch.arange(40))
    chosen = select_rows(select_rows(late, slice(10, 20)), torch.tensor([3, 0]))
    assert chosen["row"].tolist() == [13, 10]
    assert [int(frames[0][0, 0, 0]) for frames in chosen.read()] == [13, 10]
    with pytest.raises(KeyError):
        chosen["frames"]


def test_a_wrong_number_of_rows_is_told(split) -> None:
    class Fewer(Late):
        name = "fewer"

        def encode_videos(self, videos):
            return super().encode_videos(videos[:1])

    with pytest.raises(InputError, match="fewer: encode_videos of 16 items returned"):
        evaluate(Fewer(), split, show_progress=False)


def test_a_split_without_frames_is_refused() -> None:
    bare = MemorySplit([["a boat 0"]], has_frames=False)
    with pytest.raises(NotFoundError, match="has no frames"):
        encode_split(Late(), bare, text_batch=8, video_batch=8, show_progress=False)
