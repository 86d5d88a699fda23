"""``hf:`` against transformers itself, called as its manual has it, and against definitions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from baselines.pretrained.frames import FrameShape
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.evaluation.facts import seen_statement
from dvtr_bench.models.entry import model_entry
from dvtr_bench.models.retriever import ReadsTokens
from tests.fixtures.published_models import IMAGE_SIZE, TEXT_LENGTH, save_model, videos

CAPTIONS = [
    "a red car",
    "two boats over the river near the houses",
    "people walk down the road and trees are near",
    "a drone looks down from above",
    "the roof is blue and the field is green and many cars are by the white houses near a road",
]
IMAGE_KINDS = ("clip", "siglip", "siglip2", "metaclip2", "altclip", "align", "blip")
KINDS = (*IMAGE_KINDS, "xclip", "videoprism")
IN_BATCHES = ("clip", "siglip", "siglip2", "xclip", "videoprism")

Saved = Callable[[str], Path]


def load(folder: Path, **settings: object) -> Any:
    return model_entry(f"hf:{folder}").build({"max_frames": 4, **settings})


def direct(folder: Path, **more: Any) -> tuple[Any, Any]:
    model = transformers.AutoModel.from_pretrained(folder, **more).eval()
    return model, transformers.AutoProcessor.from_pretrained(folder)


def direct_texts(model: Any, processor: Any, captions: Sequence[str], padding: Any) -> torch.Tensor:
    tokens = processor.tokenizer(
        list(captions),
        padding=padding,
        truncation=True,
        max_length=TEXT_LENGTH,
        return_tensors="pt",
    )
    if isinstance(model, transformers.SiglipModel | transformers.Siglip2Model):
        tokens = {"input_ids": tokens["input_ids"]}
    else:
        tokens = {name: tokens[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        return functional.normalize(model.get_text_features(**tokens).pooler_output, dim=-1)


def pictures(video: Sequence[NDArray[np.uint8]]) -> list[Image.Image]:
    return [Image.fromarray(frame) for frame in video]


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_captions_are_encoded_as_the_library_encodes_them(saved: Saved, kind: str) -> None:
    found = load(saved(kind)).encode_texts(CAPTIONS)["vector"]
    full = kind in ("siglip", "siglip2", "videoprism")
    expected = direct_texts(*direct(saved(kind)), CAPTIONS, "max_length" if full else True)
    close(found, expected)
    assert (found[0] - found[1]).abs().max() > 0.01


@pytest.mark.parametrize("kind", IMAGE_KINDS)
def test_a_video_is_the_mean_of_its_frames_as_the_library_encodes_them(
    saved: Saved, kind: str
) -> None:
    model, processor = direct(saved(kind))
    clips = videos([4, 2, 3])
    expected = []
    for clip in clips:
        inputs = processor.image_processor(pictures(clip), return_tensors="pt")
        with torch.no_grad():
            frames = model.get_image_features(**inputs).pooler_output
        expected.append(functional.normalize(frames, dim=-1).mean(dim=0))
    found = load(saved(kind)).encode_videos(clips)["vector"]
    close(found, functional.normalize(torch.stack(expected), dim=-1))


def test_a_score_of_xclip_is_that_of_its_forward_pass(saved: Saved) -> None:
    model, processor = direct(saved("xclip"))
    clips = videos([4, 4, 4])
    pixels = processor.image_processor([pictures(clip) for clip in clips], return_tensors="pt")
    tokens = processor.tokenizer(CAPTIONS, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        output = model(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            pixel_values=pixels["pixel_values"],
        )
    adapter = load(saved("xclip"))
    found = adapter.score(adapter.encode_texts(CAPTIONS), adapter.encode_videos(clips))
    close(found, output.logits_per_text / model.logit_scale.exp().detach())
    assert not adapter.scores_by_vectors
    plain = load(saved("xclip"), condition_texts=False)
    texts, seen = plain.encode_texts(CAPTIONS), plain.encode_videos(clips)
    close(seen["vector"], functional.normalize(output.video_embeds, dim=-1))
    assert plain.scores_by_vectors
    assert list(seen) == ["vector"]
    assert (plain.score(texts, seen) - found).abs().max() > 0.01


def test_a_score_of_xclip_depends_on_its_pair_alone(saved: Saved) -> None:
    adapter = load(saved("xclip"), dtype="bfloat16")
    captions = [f"{number} cars on a road" for number in range(70)]
    texts, seen = adapter.encode_texts(captions), adapter.encode_videos(videos([4] * 6))
    whole = adapter.score(texts, seen)
    some = {name: value[[69, 3, 40]] for name, value in texts.items()}
    one = {name: value[[5]] for name, value in seen.items()}
    assert torch.equal(adapter.score(some, one), whole[[69, 3, 40]][:, [5]])


def test_a_video_tower_gets_its_own_number_of_frames_in_order(saved: Saved) -> None:
    adapter = load(saved("xclip"), max_frames=12)
    (short,), (long,) = videos([3]), videos([9])
    assert adapter.most_frames == 4
    assert adapter.conventions()["frames_taken"] == 4
    repeated = adapter.encode_videos([[short[place] for place in (0, 0, 1, 2)]])["vector"]
    assert torch.equal(adapter.encode_videos([short])["vector"], repeated)
    chosen = adapter.encode_videos([[long[place] for place in (0, 2, 5, 8)]])["vector"]
    assert torch.equal(adapter.encode_videos([long])["vector"], chosen)
    backwards = adapter.encode_videos([long[::-1]])["vector"]
    assert (backwards - chosen).abs().max() > 0.001


def test_a_videoprism_sees_frames_as_its_own_processor_makes_them(saved: Saved) -> None:
    model, processor = direct(saved("videoprism"))
    clips = videos([4, 4])
    made = [
        processor.video_processor(np.stack(clip), do_sample_frames=False, return_tensors="pt")
        for clip in clips
    ]
    pixels = torch.cat([one["pixel_values_videos"] for one in made])
    with torch.no_grad():
        expected = model.get_video_features(pixel_values_videos=pixels).pooler_output[:, 0]
    close(load(saved("videoprism")).encode_videos(clips)["vector"], expected)


@pytest.mark.parametrize(("kind", "mean"), [("clip", (0.48145466, 0.4578275, 0.40821073)),
                                            ("siglip", (0.5, 0.5, 0.5))])  # fmt: skip
def test_pixels_are_those_of_the_definition(
    saved: Saved, kind: str, mean: tuple[float, float, float]
) -> None:
    """RGB, channels first, 0 to 1 once, then mean and deviation: by numpy alone."""
    (video,) = videos([2], height=IMAGE_SIZE, width=IMAGE_SIZE)
    deviation = (0.26862954, 0.26130258, 0.27577711) if kind == "clip" else (0.5, 0.5, 0.5)
    pixels = (np.stack(video) / 255.0 - np.array(mean)) / np.array(deviation)
    model, _ = direct(saved(kind))

    def vector(values: NDArray[np.float64]) -> torch.Tensor:
        with torch.no_grad():
            given = torch.from_numpy(values.transpose(0, 3, 1, 2)).float()
            frames = model.get_image_features(pixel_values=given).pooler_output
        return functional.normalize(functional.normalize(frames, dim=-1).mean(dim=0), dim=-1)

    found = load(saved(kind)).encode_videos([video])["vector"][0]
    close(found, vector(pixels))
    for wrong in (pixels[..., ::-1], pixels / 255.0, np.stack(video) / 255.0,
                  pixels.transpose(0, 2, 1, 3)):  # fmt: skip
        assert (vector(np.ascontiguousarray(wrong)) - found).abs().max() > 0.001


def test_siglip_gets_captions_padded_to_the_full_length(saved: Saved) -> None:
    model, processor = direct(saved("siglip"))
    found = load(saved("siglip")).encode_texts(CAPTIONS)["vector"]
    shorter = direct_texts(model, processor, CAPTIONS[:2], True)
    assert (found[:2] - shorter).abs().max() > 0.01


def test_siglip_gets_lower_case_where_its_tokenizer_does_not_make_it(
    saved: Saved, tmp_path: Path
) -> None:
    folder = save_model("siglip", tmp_path / "cased", tokenizer_lower_case=False)
    adapter = load(folder)
    lower, upper = (adapter.encode_texts([text])["vector"] for text in ("a red car", "A RED Car"))
    assert torch.equal(lower, upper)
    assert adapter.conventions()["lower_case"]
    assert not load(saved("clip")).conventions()["lower_case"]


def test_dropout_is_off(saved: Saved, tmp_path: Path) -> None:
    folder = save_model("clip", tmp_path / "dropping", attention_dropout=0.9)
    adapter = load(folder)
    once, twice = (adapter.encode_videos(videos([2]))["vector"] for _ in range(2))
    assert torch.equal(once, twice)


@pytest.mark.parametrize("kind", IN_BATCHES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_vectors_depend_on_no_other_item(saved: Saved, kind: str, dtype: str) -> None:
    adapter = load(saved(kind), dtype=dtype)
    clips = videos([4, 4, 2, 4, 3, 4, 1])
    rows = [5, 0, 3, 3, 6]
    texts = adapter.encode_texts(CAPTIONS)
    again = adapter.encode_texts([CAPTIONS[row] for row in (4, 1, 2)])
    seen = adapter.encode_videos(clips)
    seen_again = adapter.encode_videos([clips[row] for row in rows])
    assert adapter._model.dtype == getattr(torch, dtype)
    assert all(torch.equal(again[name], texts[name][[4, 1, 2]]) for name in texts)
    assert all(torch.equal(seen_again[name], seen[name][rows]) for name in seen)
    assert all(value.dtype == torch.float32 for value in (*texts.values(), *seen.values()))


def test_padding_on_the_left_moves_no_caption(tmp_path: Path) -> None:
    right, left = (
        load(save_model("clip", tmp_path / side, tokenizer_side=side)) for side in ("right", "left")
    )
    close(left.encode_texts(CAPTIONS)["vector"], right.encode_texts(CAPTIONS)["vector"])


def test_a_prompt_stands_around_the_caption(saved: Saved) -> None:
    prompted = load(saved("clip"), prompt="a photo of {} from above").encode_texts(["cars"])
    written = load(saved("clip")).encode_texts(["a photo of cars from above"])
    assert torch.equal(prompted["vector"], written["vector"])


def test_long_captions_are_cut_and_that_is_told(saved: Saved) -> None:
    adapter = load(saved("clip"))
    assert isinstance(adapter, ReadsTokens)
    read, is_cut = adapter.tokens_read(CAPTIONS)
    assert is_cut.tolist() == [False, False, False, False, True]
    assert read.shape == (5, TEXT_LENGTH)
    words = CAPTIONS[-1].split()
    same = " ".join(words[: TEXT_LENGTH - 2])
    whole, cut = (adapter.encode_texts([text])["vector"] for text in (CAPTIONS[-1], same))
    assert torch.equal(whole, cut)
    short = load(saved("clip"), max_words=6)
    assert short.conventions()["max_words"] == 6
    assert torch.equal(
        short.encode_texts([CAPTIONS[1]])["vector"],
        short.encode_texts(["two boats over the"])["vector"],
    )


def test_the_description_says_how_and_holds_no_path(saved: Saved) -> None:
    told = load(saved("xclip")).describe()
    assert told["model"] == "hf:small-xclip"
    assert told["config"]["condition_texts"]
    assert told["config"]["frames_to_video"] == "XCLIPModel.get_video_features"
    assert told["config"]["frame_fit"] == "center_crop"
    assert told["config"]["image_size"] == f"{IMAGE_SIZE} x {IMAGE_SIZE}"
    assert told["config"]["attention"] == "sdpa"
    assert load(saved("siglip")).describe()["config"]["frame_fit"] == "squash"
    assert load(saved("siglip2")).describe()["config"]["frame_fit"] is None
    assert load(saved("siglip2")).describe()["config"]["image_size"] == "at most 16 patches"
    assert len(told["backbone"]["weights_sha256"]) == 64
    assert str(saved("xclip").parent) not in str(told)
    eager = load(saved("xclip"), attention="eager")
    assert eager.conventions()["attention"] == "eager"


def test_the_share_of_a_frame_that_is_seen_is_told(saved: Saved, built: BuiltDataset) -> None:
    split = built.split("test")
    heights_and_widths = {
        frame.shape[:2] for row in range(len(split)) for frame in split.frames(row)
    }
    shares = {min(size) / max(size) for size in heights_and_widths}
    low, high = (f"{100 * bound(shares):.0f}%" for bound in (min, max))
    told = seen_statement(load(saved("clip")), split)
    middle = low if low == high else f"{low} to {high}"
    assert told == f"the model sees the middle {middle} of each frame (center_crop)"
    squashed = seen_statement(load(saved("siglip")), split)
    assert squashed == "the model sees all of each frame, pressed into a square (squash)"
    assert seen_statement(load(saved("siglip2")), split) is None


def test_a_crop_out_of_a_larger_picture_sees_less() -> None:
    processor = transformers.CLIPImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 32, "width": 32}
    )
    shape = FrameShape.of(processor)
    assert shape.crop_share == 0.5
    assert shape.part_seen(100, 200) == pytest.approx((0.375, 0.25, 0.625, 0.75))
