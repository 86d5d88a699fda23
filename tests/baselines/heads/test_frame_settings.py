"""How frames are fitted, chosen and ordered: settings of every model on a CLIP."""

import json
from dataclasses import replace

import pytest
import torch

from baselines.models.clip4clip_meanp import Config, Model
from dvtr_bench.errors import ConfigError
from dvtr_bench.evaluation.facts import seen_statement
from dvtr_bench.results import setup_of
from dvtr_bench.training.run import comparable
from tests.fixtures.records import toy_record
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos, small_encoder
from tests.fixtures.tiny_dataset import build_tiny

SETTINGS = {"frame_fit": "squash", "frame_choice": "tail", "frame_order": "reverse"}


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def test_what_is_left_to_the_backbone_is_recorded_as_it_is_used() -> None:
    assert Config(backbone="tiny").frame_fit is None
    assert on_small_encoder(Model).describe()["config"]["frame_fit"] == "center_crop"
    assert Config(backbone="tiny").as_used().frame_fit == "center_crop"
    encoder = small_encoder()
    encoder.frame_fit = "squash"
    model = Model(Config(backbone="tiny"), encoder)
    assert model.describe()["config"]["frame_fit"] == "squash"
    assert Model(Config(backbone="tiny", frame_fit="letterbox"), encoder).frame_fit == "letterbox"


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_each_setting_changes_what_is_encoded_and_its_key(name, value) -> None:
    usual, other = on_small_encoder(Model), on_small_encoder(Model, **{name: value})
    videos = random_videos(2, num_frames=6)
    assert not torch.equal(
        usual.encode_frames(usual.preprocess(videos))["frame_embeds"],
        other.encode_frames(other.preprocess(videos))["frame_embeds"],
    )
    assert usual.feature_key("videos") != other.feature_key("videos")
    assert name not in usual.feature_key("videos"), "features made before are still found"
    assert usual.feature_key("texts") == other.feature_key("texts")
    with pytest.raises(ConfigError, match=name):
        Config(backbone="tiny", **{name: "sideways"})


def test_a_checkpoint_from_before_means_what_was_done_then() -> None:
    model = on_small_encoder(Model)
    description = json.loads(json.dumps(model.describe()))
    for name in SETTINGS:
        del description["config"][name]
    old = Model.rebuild(description)
    assert old.config == model.config
    new = on_small_encoder(Model, **SETTINGS)
    assert Model.rebuild(json.loads(json.dumps(new.describe()))).config == new.config


def test_runs_from_before_are_the_same_setup_and_others_are_not() -> None:
    old = {"max_frames": 4}
    usual = {**old, "frame_fit": "center_crop", "frame_order": "forward"}
    squashed = {**usual, "frame_fit": "squash"}
    assert setup_of(toy_record(config=old)) == setup_of(toy_record(config=usual))
    assert setup_of(toy_record(config=old)) != setup_of(toy_record(config=squashed))
    started = [comparable({"model": {"config": config}}) for config in (old, usual, squashed)]
    assert started[0] == started[1] != started[2]


def test_the_model_says_what_it_looks_at() -> None:
    model = on_small_encoder(Model, **SETTINGS)
    assert model.frames_seen(random_videos(1, num_frames=6)[0]) == [5, 4, 3, 2]
    assert model.part_seen(224, 398) == (0.0, 0.0, 1.0, 1.0)
    left, top, right, bottom = on_small_encoder(Model).part_seen(224, 398)
    assert (top, bottom) == (0.0, 1.0)
    assert right - left == pytest.approx(224 / 398, abs=0.01)


def test_the_share_that_is_seen_is_said_of_a_built_dataset(tmp_path) -> None:
    split = build_tiny(tmp_path).split("test")
    height, width = split.frames(0)[0].shape[:2]
    said = seen_statement(on_small_encoder(Model), split)
    side = SMALL_CONFIG["vision_cfg"]["image_size"]
    share = round(100 * side / int(side * max(height, width) / min(height, width)))
    assert f"the middle {share}% of each frame (center_crop)" in said
    assert "--set frame_fit=squash" in said
    assert "all of each frame" in seen_statement(on_small_encoder(Model, **SETTINGS), split)
    assert seen_statement(replace, split) is None
