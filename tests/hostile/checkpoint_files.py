"""A small checkpoint folder of MSAM, and what others may make of it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch

from baselines.encoder import frame_encoder
from dvtr_bench.models.trainable import Trainable
from dvtr_bench.runtime.checkpoint import (
    CONFIG_FILE,
    MODEL_FILE,
    load_checkpoint,
    save_checkpoint,
)
from msam.models.msam import Config, Model

SMALLEST = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "layers": 1,
        "width": 16,
        "head_width": 8,
        "patch_size": 16,
    },
    "text_cfg": {"context_length": 77, "vocab_size": 512, "width": 16, "heads": 2, "layers": 1},
}
"""A CLIP that is built in a moment, in the place of ``tiny``."""

TRAINING = {
    "model": {},
    "dataset": {
        "name": "toy",
        "version": "1.0.0",
        "fingerprint": "f" * 64,
        "sampling": "uniform:4",
    },
    "recipe": {"seed": 42},
    "epoch": 1,
    "validation_t2v_r1": 12.5,
}


@contextmanager
def smallest() -> Iterator[None]:
    """Let ``tiny`` be `SMALLEST`."""
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        patch.setattr(frame_encoder, "TINY_CONFIG", SMALLEST)
        torch.manual_seed(0)
        yield


def load(folder: Path) -> Trainable:
    """Load a checkpoint whose ``tiny`` is `SMALLEST`."""
    with smallest():
        return load_checkpoint(folder)


@cache
def whole_files() -> Mapping[str, bytes]:
    """The files of a checkpoint of a small MSAM, bytes by name."""
    with TemporaryDirectory() as folder, smallest():
        config = Config("tiny", max_frames=4, max_words=8, text_block="text_bank", bank_size=2)
        encoder = frame_encoder.FrameEncoder("tiny", quick_gelu=True)
        model = Model(config, encoder)
        save_checkpoint(Path(folder) / "c", model, TRAINING)
        return {path.name: path.read_bytes() for path in (Path(folder) / "c").iterdir()}


def write_checkpoint(
    folder: Path, change: Callable[[dict[str, Any]], None] = lambda _: None
) -> Path:
    """Write the checkpoint into a folder, its config.json changed."""
    files = whole_files()
    config = json.loads(files[CONFIG_FILE])
    change(config)
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    (folder / MODEL_FILE).write_bytes(files[MODEL_FILE])
    return folder
