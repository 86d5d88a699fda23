"""An index proposes, the model ranks: the order is that of scoring everything."""

import numpy as np
import pytest
import torch

from dvtr_bench.errors import NotANumberError, ProtocolError
from dvtr_bench.searching.candidates import VectorIndex, best_candidates
from tests.fixtures.small_clip import random_videos
from tests.fixtures.tiny_dataset import small_model

CAPTIONS = [f"{count} {colour} cars" for count in range(6) for colour in ("red", "blue", "grey")]


def brute_force(scores):
    """Rows from the best on, of equal ones the lower first."""
    return sorted(range(len(scores)), key=lambda row: (-scores[row], row))


def test_a_flat_index_has_the_order_of_brute_force() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(500, 24, generator=generator)
    index = VectorIndex(vectors)
    for query in torch.randn(5, 24, generator=generator):
        expected = brute_force((vectors.double() @ query.double()).tolist())
        assert index.nearest(query, 500).tolist() == expected
        assert index.nearest(query, 7).tolist() == expected[:7]
        assert len(index.nearest(query, 600)) == 500


@pytest.mark.parametrize("wanted", ["videos", "texts"])
@pytest.mark.parametrize("name", ["clip4clip_meanp", "clip4clip_seqtransf", "msam"])
def test_reranking_the_whole_gallery_is_full_scoring(name, wanted) -> None:
    model = small_model(name, max_frames=4)
    texts, videos = model.encode_texts(CAPTIONS), model.encode_videos(random_videos(16))
    alone = model.at_block(1) if name == "msam" else model
    scores = alone.score(texts, videos)
    if wanted == "videos":
        query, gallery, expected = rows(texts, slice(5, 6)), videos, scores[5]
    else:
        query, gallery, expected = rows(videos, slice(3, 4)), texts, scores[:, 3]
    found = best_candidates(model, query, gallery, wanted, top=100, rerank=100)
    assert [one.row for one in found] == brute_force(expected.tolist())
    np.testing.assert_allclose(
        [one.score for one in found], expected[[one.row for one in found]], atol=1e-6
    )
    best = best_candidates(model, query, gallery, wanted, top=4, rerank=len(expected))
    assert [one.row for one in best] == [one.row for one in found[:4]]


def rows(features, chosen):
    return {name: value[chosen] for name, value in features.items()}


def test_only_what_the_vectors_find_is_scored_again() -> None:
    model = small_model("msam", max_frames=4)
    texts, videos = model.encode_texts(CAPTIONS[:1]), model.encode_videos(random_videos(16))
    coarse = model.video_vectors(videos) @ model.text_vectors(texts)[0]
    found = best_candidates(model, texts, videos, "videos", top=2, rerank=5)
    assert len(found) == 2
    assert {one.row for one in found} <= set(brute_force(coarse.tolist())[:5])


class Plain:
    """A model of somebody else's: no vectors, no stages."""

    name = "plain"
    scoring = "pairwise"

    def __init__(self, sign=1.0) -> None:
        self.sign = sign

    def encode_texts(self, captions):
        return {"t": torch.tensor([[float(len(caption))] for caption in captions])}

    def encode_videos(self, videos):
        return {"v": torch.tensor([[float(frames[0].mean())] for frames in videos])}

    def score(self, texts, videos):
        return self.sign * -(texts["t"] - videos["v"].T).abs()


class Liar(Plain):
    scores_by_vectors = True

    def text_vectors(self, texts):
        return texts["t"]

    def video_vectors(self, videos):
        return videos["v"]


class Whole(Liar):
    """Vectors of whole numbers: their products are exact."""

    def score(self, texts, videos):
        return texts["t"] @ videos["v"].T


def test_equal_scores_keep_the_order_of_the_gallery() -> None:
    videos = {"v": torch.tensor([[1.0, 2], [3, 4], [2, 1], [4, 3], [1, 2], [0, 0]])}
    found = best_candidates(Whole(), {"t": torch.ones(1, 2)}, videos, "videos", top=6)
    assert [one.row for one in found] == [1, 3, 0, 2, 4, 5]


def test_a_model_without_vectors_scores_everything() -> None:
    videos = {"v": torch.tensor([[9.0], [2.0], [5.0], [4.0]])}
    found = best_candidates(Plain(), {"t": torch.tensor([[5.0]])}, videos, "videos", top=3)
    assert [(one.row, one.score) for one in found] == [(2, 0.0), (3, -1.0), (1, -3.0)]


def test_a_claim_of_inner_products_is_checked() -> None:
    videos = {"v": torch.arange(200.0)[:, None]}
    with pytest.raises(ProtocolError, match="inner product of its vectors"):
        best_candidates(Liar(), {"t": torch.tensor([[5.0]])}, videos, "videos", top=3)


def test_a_score_that_is_no_number_is_an_error() -> None:
    videos = {"v": torch.tensor([[1.0], [2.0]])}
    with pytest.raises(NotANumberError, match="plain: 2 of 2 scores are NaN"):
        best_candidates(Plain(float("nan")), {"t": torch.tensor([[5.0]])}, videos, "videos", top=1)
