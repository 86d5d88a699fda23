"""Cheats by what a score is: sunk, infinite, or noted in features; each beside its honest twin."""

import pytest
import torch

from dvtr_bench.errors import ProtocolError
from tests.fixtures.cheated import cheated_split, r1_of, records_of
from tests.fixtures.memory_split import BlockModel, HonestModel


@pytest.fixture
def split():
    return cheated_split()


# Scores sunk far below, behind which the others may move.


def _sunk(change):
    class Sunk(HonestModel):
        name = "sunk"

        def score(self, texts, videos):
            scores = HonestModel.score(self, texts, videos)
            return torch.where(scores > 4, change(scores), -10.0)

    return Sunk()


SUNK = {
    "queries": (lambda s: 1e-5 * (s / 9).softmax(0), lambda s: 1e-5 * (s / 20).sigmoid()),
    "gallery": (
        lambda s: 1e-5 * (s / 9).argsort(1).argsort(0).float() / s.shape[0] / s.shape[1],
        lambda s: 1e-5 * s,
    ),
    "queries, to infinity": (
        lambda s: (1e-5 * (s / 9).softmax(0)).masked_fill(s < 5, -torch.inf),
        lambda s: (1e-5 * s).masked_fill(s < 5, -torch.inf),
    ),
}


@pytest.mark.parametrize("kind", SUNK)
def test_sunk_scores_hide_no_dependence(split, kind) -> None:
    cheat, twin = SUNK[kind]
    with pytest.raises(ProtocolError, match=r"candidates that follow each other changed places"):
        records_of(_sunk(cheat), split)
    assert all(check.passed for check in records_of(_sunk(twin), split)[0].honesty)


def test_sunk_scores_of_a_block_hide_no_look_at_the_gallery(split) -> None:
    class Sunk(BlockModel):
        change = staticmethod(lambda scores: 1e-5 * (scores / 9).softmax(1))

        def score(self, texts, videos):
            scores = BlockModel.score(self, texts, videos)
            return torch.where(scores > 4, self.change(scores), -10.0)

    class Twin(Sunk):
        change = staticmethod(lambda scores: 1e-5 * scores)

    with pytest.raises(ProtocolError, match="gallery shuffled .* changed places"):
        records_of(Sunk(), split)
    assert all(check.passed for record in records_of(Twin(), split) for check in record.honesty)


# Notes in the features, and scores that are no ordinary numbers.


class Notes(HonestModel):
    """Leaves the sum over the queries of a block in the videos' features, for later calls."""

    name = "notes"
    write = True

    def encode_videos(self, videos):
        (embeds,) = super().encode_videos(videos).values()
        return {"video_embeds": embeds, "note": torch.zeros(len(embeds))}

    def score(self, texts, videos):
        scores = HonestModel.score(self, texts, videos) / 20
        if not videos["note"].any():
            note = scores.exp().sum(0) if self.write else torch.full((scores.shape[1],), 2.0)
            if self.write:
                videos["note"].numpy()[:] = note.numpy()
            return scores.exp() / note
        return scores.exp() / videos["note"]


def test_notes_in_the_features_are_refused(split) -> None:
    with pytest.raises(ProtocolError, match=r"score changed its argument videos\['note'\]"):
        records_of(Notes(), split)
    twin = type("Twin", (Notes,), {"write": False})
    assert all(check.passed for check in records_of(twin(), split)[0].honesty)


@pytest.mark.parametrize("value", [torch.inf, -0.0, 0.0])
def test_neither_infinity_nor_the_sign_of_zero_wins_a_tie(split, value) -> None:
    class Same(HonestModel):
        def score(self, texts, videos):
            scores = torch.zeros(HonestModel.score(self, texts, videos).shape)
            return torch.where(torch.eye(*scores.shape) > 0, value, 0.0 if value == 0 else value)

    assert r1_of(Same(), split) == 0
