"""A split in memory and models to evaluate on it, honest and cheating."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

WORDS = ("boat", "car", "field", "lake", "road", "roof", "tree", "truck")


@dataclass
class MemorySplit:
    """Videos are grey frames; a caption spells the grey value of its own video in words."""

    captions_of: list[list[str]]
    name: str = "test"
    has_frames: bool = True
    decoded: list[int] = field(default_factory=list)

    dataset_name = "toy"
    dataset_version = "1.0.0"
    fingerprint = "f" * 64
    sampling = "uniform:2"

    @property
    def video_ids(self):
        return tuple(f"Boat_{row} " for row in range(len(self.captions_of)))

    @property
    def categories(self):
        return tuple(None for _ in self.captions_of)

    @property
    def caption_ids(self):
        return tuple(
            f"Boat_{v} #{n}" for v, of in enumerate(self.captions_of) for n in range(len(of))
        )

    @property
    def captions(self):
        return tuple(caption for of in self.captions_of for caption in of)

    @property
    def caption_video_index(self):
        return np.repeat(np.arange(len(self.captions_of)), [len(of) for of in self.captions_of])

    def frames(self, index):
        self.decoded.append(index)
        return [np.full((8, 8, 3), index, dtype=np.uint8)] * 2

    def row(self, index):
        return {}


def _vector(seed):
    return np.random.default_rng(seed).normal(size=16).astype(np.float32)


class HonestModel:
    """Noisy vectors of a caption's text and of a video's grey value."""

    name = "honest"
    scoring = "pairwise"

    def encode_texts(self, captions):
        rows = [_vector(int(c.split()[-1])) + 0.7 * _vector(sum(c.encode())) for c in captions]
        return {"text_embeds": torch.from_numpy(np.stack(rows))}

    def encode_videos(self, videos):
        return {
            "video_embeds": torch.from_numpy(
                np.stack([_vector(int(v[0][0, 0, 0])) for v in videos])
            )
        }

    def score(self, texts, videos):
        return texts["text_embeds"] @ videos["video_embeds"].T


class BlockModel(HonestModel):
    """Takes off the mean of each block of texts."""

    name = "blocky"
    scoring = "query_block"

    def __init__(self, text_block=4):
        self.text_block = text_block

    def at_block(self, text_block):
        return type(self)(text_block)

    def score(self, texts, videos):
        scores = super().score(texts, videos)
        parts = scores.split(self.text_block)
        return torch.cat([part - 0.5 * part.mean(0) for part in parts])


@pytest.fixture
def split():
    return MemorySplit(
        [[f"{WORDS[(3 * v + n) % 8]} {WORDS[n]} {v}" for n in range(3)] for v in range(40)]
    )


@pytest.fixture
def memory_split():
    return MemorySplit


@pytest.fixture
def honest_model():
    return HonestModel


@pytest.fixture
def block_model():
    return BlockModel
