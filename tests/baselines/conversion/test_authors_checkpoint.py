"""Checkpoints of the authors into ours: every name placed, and the scores those of the authors."""

import pickle
from types import SimpleNamespace

import pytest
import torch

from baselines.conversion.authors_checkpoint import convert_authors_checkpoint
from baselines.conversion.authors_names import AUTHORS_NAMES
from baselines.encoder.frame_encoder import CLIP_MEAN, CLIP_STD
from dvtr_bench.errors import ConfigError, NotFoundError, OutputExistsError, WeightsError
from dvtr_bench.models.listing import list_models
from dvtr_bench.runtime.checkpoint import load_checkpoint, read_checkpoint_config
from tests.fixtures.authors_checkpoints import (
    DROPPED,
    LAYERS,
    MAX_FRAMES,
    MAX_WORDS,
    SEMANTICS,
    USED,
    WIDTH,
    lstm,
)
from tests.fixtures.small_clip import SMALL_CONFIG, random_videos
from tests.oracles.authors_scores import authors_similarity
from tests.oracles.openai_clip import SMALL, random_tensors

MODELS = list(USED)
CAPTIONS = [
    "a boat",
    "two red boats near a pier",
    "three cars wait at a crossing in the rain",
    "smoke over a hill",
]
SETTINGS = {"max_words": MAX_WORDS, "max_frames": MAX_FRAMES}


@pytest.fixture(autouse=True, scope="module")
def _small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
        patch.setattr("baselines.weights.backbone_spec.TINY_CONFIG", SMALL_CONFIG)
        yield


@pytest.fixture(params=MODELS, scope="module")
def case(request, _small, tmp_path_factory):
    """A model, its authors' tensors, and what became of them."""
    tensors = authors_tensors(request.param)
    conversion, folder = converted(request.param, tensors, tmp_path_factory.mktemp("case"))
    return SimpleNamespace(
        model=request.param, tensors=tensors, conversion=conversion, folder=folder
    )


def authors_tensors(model, *, seed=0):
    """All that may stand in such a checkpoint, what the head never uses included."""
    return random_tensors({**USED[model], **DROPPED[model]}, seed)


def written(folder, content, name="pytorch_model.bin.3"):
    torch.save(content, folder / name)
    return folder / name


def converted_scores(model, folder):
    """What the checkpoint in a folder scores, and on what; most videos are short of frames."""
    loaded = load_checkpoint(folder)
    assert loaded.name == model
    videos = [
        video[: 1 + row % MAX_FRAMES]
        for row, video in enumerate(random_videos(6, MAX_FRAMES, size=(32, 32)))
    ]
    scores = loaded.score(loaded.encode_texts(CAPTIONS), loaded.encode_videos(videos))
    pixels = torch.zeros(len(videos), MAX_FRAMES, 3, 32, 32)
    mask = torch.zeros(len(videos), MAX_FRAMES, dtype=torch.bool)
    for row, video in enumerate(videos):
        for place, frame in enumerate(video):
            pixels[row, place] = torch.from_numpy(frame).permute(2, 0, 1) / 255
            mask[row, place] = True
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    # The authors' loaders put normalised frames into an array of zeros.
    pixels = ((pixels - mean) / std).masked_fill(~mask[..., None, None, None], 0.0)
    return scores, loaded.tokenize(CAPTIONS), pixels, mask


def converted(model, tensors, folder, **settings):
    path = written(folder, tensors)
    conversion = convert_authors_checkpoint(path, model, {**SETTINGS, **settings})
    conversion.save(folder / "converted")
    return conversion, folder / "converted"


def test_scores_are_those_of_the_authors(case) -> None:
    scores, tokens, pixels, mask = converted_scores(case.model, case.folder)
    expected = authors_similarity(case.model, case.tensors, SMALL, tokens, pixels, mask)
    assert expected.std() > 1e-2
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)


def test_msam_takes_padding_as_released_unless_told_otherwise(tmp_path) -> None:
    scores = {}
    for padding, given in (("release", {}), ("masked", {"padding": "masked"})):
        folder = tmp_path / padding
        folder.mkdir()
        conversion, checkpoint = converted("msam", authors_tensors("msam"), folder, **given)
        assert conversion.model.config.padding == padding
        assert read_checkpoint_config(checkpoint)["model"]["config"]["padding"] == padding
        scores[padding], *_, mask = converted_scores("msam", checkpoint)
    differences = (scores["release"] - scores["masked"]).abs()
    assert differences[:, ~mask.all(dim=1)].max() > 1e-2
    assert differences[:, mask.all(dim=1)].max() < 1e-6


def test_every_name_is_placed_or_dropped_for_a_reason(case) -> None:
    conversion = case.conversion
    assert set(conversion.dropped) == set(DROPPED[case.model])
    recorded = read_checkpoint_config(case.folder)["training"]["converted_from"]
    assert recorded["dropped"] == conversion.dropped
    assert recorded["file_name"] == "pytorch_model.bin.3"
    assert sorted(conversion.renamed.values()) == sorted(conversion.model.state_dict())
    if case.model != "xpool":
        # X-Pool's CLIP has another naming, whose attention projections are packed into one.
        assert set(conversion.renamed) == set(USED[case.model]) - set(DROPPED[case.model])


def test_every_tensor_is_in_its_own_place(case) -> None:
    ours = case.conversion.model.state_dict()
    for theirs, name in case.conversion.renamed.items():
        if theirs in case.tensors:
            assert torch.equal(ours[name], case.tensors[theirs].float()), theirs


def test_what_is_dropped_changes_no_score(tmp_path) -> None:
    for seed, model in enumerate(("xpool", "drl_wti")):
        scores = []
        for shift in (0.0, 5.0):
            tensors = authors_tensors(model, seed=seed)
            for name in DROPPED[model]:
                tensors[name] = tensors[name] + shift
            folder = tmp_path / f"{model}{shift}"
            folder.mkdir()
            _, checkpoint = converted(model, tensors, folder)
            found, tokens, pixels, mask = converted_scores(model, checkpoint)
            scores.append(found)
            expected = authors_similarity(model, tensors, SMALL, tokens, pixels, mask)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        assert torch.equal(*scores)


def test_the_map_has_every_model_that_is_trained() -> None:
    assert set(AUTHORS_NAMES) == {listed.name for listed in list_models() if listed.trainable}


def test_sizes_are_read_off_the_shapes(tmp_path) -> None:
    def config(model):
        path = written(tmp_path, authors_tensors(model), f"{model}.bin")
        return convert_authors_checkpoint(path, model).model.config

    assert config("clip4clip_seqtransf").temporal_layers == LAYERS
    assert config("clip4clip_tighttransf").cross_layers == LAYERS
    xclip = config("xclip")
    assert (xclip.max_words, xclip.max_frames) == (MAX_WORDS, MAX_FRAMES)
    assert config("msam").num_semantics == SEMANTICS


def test_half_precision_a_parallel_prefix_and_an_archives_numbers(tmp_path) -> None:
    tensors = {
        f"module.{name}": value.half() if name.startswith("clip.") else value
        for name, value in authors_tensors("clip4clip_seqtransf").items()
    }
    tensors["module.clip.input_resolution"] = torch.tensor(32)
    tensors["module.clip.context_length"] = torch.tensor(77)
    tensors["module.clip.vocab_size"] = torch.tensor(49408)
    conversion = convert_authors_checkpoint(written(tmp_path, tensors), "clip4clip_seqtransf")
    assert {value.dtype for value in conversion.model.parameters()} == {torch.float32}
    assert "number of OpenAI's archive" in conversion.dropped["clip.vocab_size"]
    assert conversion.model.encoder.quick_gelu


def test_x_pools_file_holds_its_optimiser_beside(tmp_path) -> None:
    content = {
        "epoch": 5,
        "state_dict": authors_tensors("xpool"),
        "optimizer": {"state": {}, "param_groups": [{"lr": 1e-6, "params": [0]}]},
    }
    path = written(tmp_path, content, "model_best.pth")
    assert convert_authors_checkpoint(path, "xpool").source.startswith("X-Pool")


def test_a_malicious_file_is_refused_and_not_executed(tmp_path) -> None:
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(mark)!r}, 'w')",))

    tensors = dict(authors_tensors("clip4clip_meanp"))
    tensors["clip.visual.proj"] = Evil()
    torch.save(tensors, tmp_path / "torch.bin")
    (tmp_path / "plain.bin").write_bytes(pickle.dumps(tensors))
    for name in ("torch.bin", "plain.bin"):
        with pytest.raises(WeightsError, match="never loaded"):
            convert_authors_checkpoint(tmp_path / name, "clip4clip_meanp")
    assert not mark.exists()


def test_a_name_that_is_not_known_stops_it_and_the_right_model_is_named(tmp_path) -> None:
    path = written(tmp_path, authors_tensors("clip4clip_seqtransf"))
    with pytest.raises(WeightsError) as caught:
        convert_authors_checkpoint(path, "clip4clip_meanp")
    message = str(caught.value)
    assert "transformerClip.resblocks.0" in message
    assert message.endswith("--model clip4clip_seqtransf")


def test_a_missing_name_is_told(tmp_path) -> None:
    tensors = authors_tensors("clip4clip_seqlstm")
    del tensors["lstm_visual.weight_hh_l0"]
    with pytest.raises(WeightsError, match=r"1 missing: lstm\.weight_hh_l0"):
        convert_authors_checkpoint(written(tmp_path, tensors), "clip4clip_seqlstm")


@pytest.mark.parametrize("model", ["clip4clip_meanp", "clip4clip_seqtransf", "xclip"])
def test_patches_over_three_frames_score_as_the_authors_do(model, tmp_path) -> None:
    tensors = authors_tensors(model)
    shape = tensors["clip.visual.conv1.weight"].shape
    tensors |= random_tensors({"clip.visual.conv2.weight": (*shape[:2], 3, *shape[2:])}, seed=5)
    conversion, folder = converted(model, tensors, tmp_path)
    assert conversion.model.config.linear_patch == "3d"
    assert "--linear_patch 3d" in conversion.dropped["clip.visual.conv1.weight"]
    assert "clip.visual.conv2.weight" in conversion.renamed
    scores, tokens, pixels, mask = converted_scores(model, folder)
    expected = authors_similarity(model, tensors, SMALL, tokens, pixels, mask)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    del tensors["clip.visual.conv2.weight"]
    single = authors_similarity(model, tensors, SMALL, tokens, pixels, mask)
    assert (single - expected).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("temporal", ["lstm", "none"])
def test_x_clip_over_an_lstm_or_over_nothing_is_told_by_its_names(temporal, tmp_path) -> None:
    tensors = authors_tensors("xclip")
    tensors = {
        name: value for name, value in tensors.items() if not name.startswith("transformerClip.")
    }
    if temporal == "lstm":
        tensors |= random_tensors(lstm(), seed=6)
    else:
        del tensors["frame_position_embeddings.weight"]
    conversion, folder = converted("xclip", tensors, tmp_path)
    assert conversion.model.config.temporal == temporal
    scores, tokens, pixels, mask = converted_scores("xclip", folder)
    temporal_frames = {}

    def over_frames(_, __, frames, mask):
        if temporal == "none":
            return frames
        module = torch.nn.LSTM(WIDTH, WIDTH, batch_first=True)
        prefix = "lstm_visual."
        module.load_state_dict(
            {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}
        )
        temporal_frames["seen"] = module(frames)[0] + frames
        return temporal_frames["seen"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.oracles.authors_scores.in_time", over_frames)
        expected = authors_similarity("xclip", tensors, SMALL, tokens, pixels, mask)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    assert ("seen" in temporal_frames) == (temporal == "lstm")


def test_msam_with_patches_over_three_frames_masks_padding_or_is_refused(tmp_path) -> None:
    tensors = authors_tensors("msam")
    shape = tensors["clip.visual.conv1.weight"].shape
    tensors["clip.visual.conv2.weight"] = torch.zeros(*shape[:2], 3, *shape[2:])
    with pytest.raises(ConfigError, match="linear_patch is 3d: set linear_patch=2d or padding=m"):
        convert_authors_checkpoint(written(tmp_path, tensors), "msam", SETTINGS)
    conversion, _ = converted("msam", tensors, tmp_path, padding="masked")
    assert conversion.model.config.linear_patch == "3d"


def test_another_architecture_is_refused(tmp_path) -> None:
    tensors = authors_tensors("clip4clip_meanp")
    tensors["clip.visual.proj"] = torch.zeros(32, 48)
    tensors["clip.text_projection"] = torch.zeros(32, 48)
    with pytest.raises(WeightsError, match="no architecture that OpenAI published.*embed_dim=48"):
        convert_authors_checkpoint(written(tmp_path, tensors), "clip4clip_meanp")


def test_a_setting_against_the_shapes_is_refused(tmp_path) -> None:
    path = written(tmp_path, authors_tensors("xclip"))
    with pytest.raises(WeightsError, match="of another shape"):
        convert_authors_checkpoint(path, "xclip", {"max_frames": MAX_FRAMES + 1})


def test_what_has_no_checkpoint_or_no_file_says_so(tmp_path) -> None:
    with pytest.raises(ConfigError, match="--backbone"):
        convert_authors_checkpoint(tmp_path, "clip_zeroshot")
    with pytest.raises(NotFoundError, match="no file"):
        convert_authors_checkpoint(tmp_path / "nothing.bin", "clip4clip_meanp")


def test_a_folder_that_stands_is_not_overwritten(tmp_path) -> None:
    conversion, folder = converted("clip4clip_meanp", authors_tensors("clip4clip_meanp"), tmp_path)
    before = sorted(folder.iterdir())
    with pytest.raises(OutputExistsError, match="exists already"):
        conversion.save(folder)
    assert sorted(folder.iterdir()) == before
