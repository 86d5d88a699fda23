"""The backbone that comes with the package: its vocabulary and its weights."""

import pytest
import torch
from open_clip import SimpleTokenizer

from baselines.backbone_spec import TINY_WEIGHTS
from baselines.frame_encoder import FrameEncoder, load_encoder
from baselines.tiny import TINY_CONFIG, VOCABULARY_SIZE, TinyTokenizer, tiny_tokenizer
from builders.aerosynth.plan import stream_group

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
