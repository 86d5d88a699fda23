"""The backbone that comes with the package: its vocabulary and its weights."""

import json

import pytest
import torch
from open_clip import SimpleTokenizer
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.loading import load_encoder
from baselines.encoder.preprocessing import clip_pixels
from baselines.encoder.pretraining import Pretraining
from baselines.weights.backbone_spec import (
    TINY_CONFIG,
    TINY_WEIGHTS,
    VOCABULARY_SIZE,
    TinyTokenizer,
    tiny_tokenizer,
)
from builders.aerosynth import render_frames
from builders.aerosynth.plan import stream_group
from dvtr_bench.runtime.checkpoint import tensors_sha256

OTHER_TEXTS = (
    "a zebra crossing, two Ümlauts & 17 helicopters!",
    "日本の水田",
    "",
    "it's me, <b>you</b>",
)


def captions() -> list[str]:
    groups = (stream_group(number) for number in range(300))
    return sorted({text for group in groups for plan in group for text in plan.captions})


def test_the_vocabulary_has_the_size_that_the_architecture_states() -> None:
    assert tiny_tokenizer().vocab_size == VOCABULARY_SIZE == TINY_CONFIG["text_cfg"]["vocab_size"]
    assert len(tiny_tokenizer().encoder) == len(tiny_tokenizer().decoder) == VOCABULARY_SIZE


def test_the_end_of_text_has_the_highest_number() -> None:
    tokens = TinyTokenizer()(["a red car"], context_length=8)[0]
    assert tokens.argmax() == 4
    assert tokens.max() == VOCABULARY_SIZE - 1
    assert tokens[5:].tolist() == [0, 0, 0]


def test_words_of_aerosynth_come_in_the_pieces_that_clip_has() -> None:
    clip, tiny = SimpleTokenizer(), tiny_tokenizer()
    for text in captions():
        theirs = [clip.decoder[number] for number in clip.encode(text)]
        assert [tiny.decoder[number] for number in tiny.encode(text)] == theirs


@pytest.mark.parametrize("text", OTHER_TEXTS)
def test_no_text_is_lost(text: str) -> None:
    clip, tiny = SimpleTokenizer(), tiny_tokenizer()
    assert tiny.decode(tiny.encode(text)) == clip.decode(clip.encode(text))


def test_scratch_has_random_weights_and_tiny_those_of_the_package() -> None:
    torch.manual_seed(0)
    first = load_encoder("tiny-scratch")
    second = load_encoder("tiny-scratch")
    assert first.origin == {"source": "tiny, from scratch", "weights_sha256": None}
    assert not torch.equal(first.clip.text_projection, second.clip.text_projection)
    assert sum(value.numel() for value in FrameEncoder("tiny", quick_gelu=False).parameters()) < 3e6
    assert TINY_WEIGHTS.name == "tiny.safetensors"


def test_the_weights_say_how_they_were_made_and_are_small() -> None:
    assert TINY_WEIGHTS.stat().st_size < 8e6
    with safe_open(TINY_WEIGHTS, "pt") as file:
        made = file.metadata()
    tensors = load_file(TINY_WEIGHTS)
    assert {value.dtype for value in tensors.values()} == {torch.float16}
    assert made["tensors_sha256"] == tensors_sha256(tensors)
    recipe = Pretraining(**json.loads(made["recipe"]))
    assert made["command"] == f"dvtr-bench pretrain-tiny --steps {recipe.steps}"
    encoder = load_encoder("tiny")
    assert encoder.origin["source"] == "tiny"
    assert encoder.origin["weights_sha256"] == tensors_sha256(encoder.clip.state_dict())


@torch.no_grad()
def test_tiny_tells_clips_apart() -> None:
    """Clips of a stream that it was not trained on; chance is below 3%."""
    plans = [plan for number in range(26) for plan in stream_group(number, seed=77)]
    encoder = load_encoder("tiny").eval()
    frames = [next(iter(render_frames(plan, numbers=(16,)))) for plan in plans]
    pixels = torch.stack([torch.from_numpy(clip_pixels(frame, 112)) for frame in frames])
    frame_embeds = functional.normalize(encoder.encode_frames(pixels), dim=-1)
    tokens = encoder.tokenize([plan.captions[4] for plan in plans], 77)
    text_embeds = functional.normalize(encoder.encode_text(tokens)[0], dim=-1)
    best = (text_embeds @ frame_embeds.T).argmax(dim=1)
    assert len(plans) > 40
    assert (best == torch.arange(len(plans))).float().mean() > 0.3
