"""The lowest part of both towers stays as it was: weights, gradients, optimiser, records."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.listing import list_models
from dvtr_bench.results import load_results
from dvtr_bench.training.optimiser import parameter_groups, trained_parameters
from dvtr_bench.training.recipe import (
    TINY,
    TINY_SCRATCH,
    Recipe,
    whole_recipe,
)
from dvtr_bench.training.run import comparable, open_run
from dvtr_bench.training.run_choice import default_recipe, with_settings
from dvtr_bench.training.train import train
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny, small_model
from tests.fixtures.toy_training import ToySplit

TRAINED = [listed.name for listed in list_models() if listed.trainable]
RECIPE = Recipe(epochs=1, batch_size=8, learning_rate=2e-3, backbone_learning_rate=2e-3)

BEFORE_THE_BLOCKS = {
    "token_embedding.weight",
    "positional_embedding",
    "visual.class_embedding",
    "visual.positional_embedding",
    "visual.conv1.weight",
    "visual.ln_pre.weight",
    "visual.ln_pre.bias",
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def run(model: Any, folder: Path, recipe: Recipe) -> list[float]:
    """Train; returns the losses."""
    train(model, ToySplit(), ToySplit("validation"), recipe, folder, show_progress=False)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def changed_by_training(name: str, folder: Path, recipe: Recipe) -> tuple[set[str], set[str]]:
    """Which of CLIP's parameters a training changed, and which it left."""
    model = small_model(name, max_frames=3)
    before = {key: value.clone() for key, value in model.encoder.clip.named_parameters()}
    run(model, folder, recipe)
    after = dict(model.encoder.clip.named_parameters())
    changed = {key for key, value in before.items() if not torch.equal(after[key], value)}
    return changed, set(before) - changed


def of_blocks(names: set[str], layer: int) -> set[str]:
    return {name for name in names if f"transformer.resblocks.{layer}." in name}


@pytest.mark.parametrize("name", TRAINED)
def test_the_releases_recipe_leaves_what_comes_before_the_blocks(name: str, tmp_path: Path) -> None:
    changed, left = changed_by_training(name, tmp_path, RECIPE)
    assert left == BEFORE_THE_BLOCKS
    assert of_blocks(changed, 0)


@pytest.mark.parametrize("num_layers", [None, 1, 2])
def test_other_numbers_leave_nothing_or_blocks_too(num_layers: int | None, tmp_path: Path) -> None:
    changed, left = changed_by_training("msam", tmp_path, replace(RECIPE, frozen_layers=num_layers))
    everything = changed | left
    expected = set() if num_layers is None else set(BEFORE_THE_BLOCKS)
    for layer in range(num_layers or 0):
        expected |= of_blocks(everything, layer)
    assert left == expected
    assert {"logit_scale", "text_projection", "visual.proj", "ln_final.weight"} <= changed


@pytest.mark.parametrize("num_layers", [0, 1])
def test_it_goes_together_with_frozen_towers(num_layers: int, tmp_path: Path) -> None:
    recipe = replace(RECIPE, frozen_layers=num_layers)
    changed, left = changed_by_training("xpool", tmp_path / "a", replace(recipe, freeze="frames"))
    texts = {name for name in changed | left if not name.startswith("visual.")}
    assert {name for name in left if name.startswith("visual.")} == (changed | left) - texts
    lowest = {name for name in texts & BEFORE_THE_BLOCKS}
    if num_layers:
        lowest |= of_blocks(texts, 0)
    assert left & texts == lowest
    changed, _ = changed_by_training("xpool", tmp_path / "b", replace(recipe, freeze="backbone"))
    assert changed == {"logit_scale"}


def test_no_gradient_of_what_is_frozen_is_computed(tmp_path: Path) -> None:
    model = small_model("msam", max_frames=3)
    needs_gradient = []
    clip = model.encoder.clip
    for module in (clip.token_embedding, clip.visual.ln_pre):
        module.register_forward_hook(
            lambda _, inputs, output: needs_gradient.append(output.requires_grad)
        )
    run(model, tmp_path, replace(RECIPE, weight_decay=0.9))
    assert needs_gradient
    assert not any(needs_gradient)
    parameters = dict(clip.named_parameters())
    assert all(parameters[name].grad is None for name in BEFORE_THE_BLOCKS)
    assert parameters["transformer.resblocks.0.mlp.c_fc.weight"].grad is not None


def test_the_optimiser_is_given_what_is_trained_and_nothing_else() -> None:
    model = small_model("xclip", max_frames=3)
    names = trained_parameters(model, replace(RECIPE, frozen_layers=1))
    given = {
        names[parameter]
        for group in parameter_groups(model, names, RECIPE)
        for parameter in group["params"]
    }
    expected = {
        name
        for name, _ in model.named_parameters()
        if name.removeprefix("encoder.clip.") not in BEFORE_THE_BLOCKS
        and not ("encoder." in name and ".resblocks.0." in name)
    }
    assert given == expected
    assert any("temporal.transformer.resblocks.0." in name for name in given)


def test_cut_batches_and_recomputation_change_nothing(tmp_path: Path) -> None:
    """Recomputed layers must get gradients though nothing below them needs one."""
    whole = run(small_model("msam", max_frames=3), tmp_path / "whole", RECIPE)
    recipe = replace(RECIPE, micro_batch_size=3, checkpointing=True)
    assert run(small_model("msam", max_frames=3), tmp_path / "cut", recipe) == pytest.approx(
        whole, abs=1e-5
    )


def test_more_layers_than_a_tower_has_are_refused(tmp_path: Path) -> None:
    recipe = replace(RECIPE, frozen_layers=3)
    with pytest.raises(ConfigError, match=r"frozen_layers is 3, .* tower of tiny has 2 .*lower"):
        run(small_model("xpool", max_frames=3), tmp_path, recipe)


@pytest.mark.parametrize("wrong", [-1, 13])
def test_numbers_out_of_range_are_refused(wrong: int) -> None:
    with pytest.raises(ConfigError, match=f"frozen_layers must be none or 0 to 12, found {wrong}"):
        Recipe(frozen_layers=wrong)


def test_trained_from_nothing_nothing_is_frozen() -> None:
    assert Recipe().frozen_layers == default_recipe("ViT-B-32/openai").frozen_layers == 0
    assert TINY.frozen_layers is TINY_SCRATCH.frozen_layers is None
    assert default_recipe("tiny-scratch") is TINY_SCRATCH
    assert default_recipe("tiny/weights") is default_recipe("tiny") is TINY


def test_the_command_line_takes_a_number_and_none() -> None:
    assert with_settings(Recipe(), ["frozen_layers=4"]).frozen_layers == 4
    assert with_settings(Recipe(), ["frozen_layers=none", "epochs=2"]) == Recipe(
        frozen_layers=None, epochs=2
    )
    with pytest.raises(ConfigError, match=r"frozen_layers takes a whole number \| none"):
        with_settings(Recipe(), ["frozen_layers=all"])


def test_it_is_recorded_in_run_checkpoint_and_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny(tmp_path)
    monkeypatch.chdir(tmp_path)

    def invoke(words: str) -> None:
        result = CliRunner().invoke(make_app(), words.split(), catch_exceptions=False)
        assert result.exit_code == 0, result.output

    what = "--model xpool --dataset tiny --device cpu"
    for setting in ("1", "none"):
        invoke(
            f"train {what} --backbone tiny-scratch --epochs 1 --batch-size 2 "
            f"--recipe frozen_layers={setting}"
        )
        invoke(f"evaluate {what}")
    recipes = [record.model.training.recipe for record in load_results([tmp_path / "results"])]
    assert {recipe["frozen_layers"] for recipe in recipes} == {1, None}
    runs = [json.loads(path.read_text()) for path in tmp_path.glob("runs/tiny/xpool/*/run.json")]
    assert {state["setup"]["recipe"]["frozen_layers"] for state in runs} == {1, None}


def test_runs_from_before_the_setting_trained_everything(tmp_path: Path) -> None:
    old = Recipe().as_mapping()
    del old["frozen_layers"]
    assert Recipe.from_mapping(old) == Recipe(frozen_layers=None)
    assert whole_recipe({**old, "frozen_layers": 3})["frozen_layers"] == 3
    setup = {"model": {"model": "xpool"}, "dataset": {"name": "toy"}}
    run_file = {"format_version": 1, "setup": {**setup, "recipe": old}, "epochs_done": 2}
    (tmp_path / "run.json").write_text(json.dumps(run_file))
    now = {**setup, "recipe": Recipe(frozen_layers=None).as_mapping()}
    assert comparable({**setup, "recipe": old}) == comparable(now)
    assert open_run(tmp_path, now).epochs_done == 2
    with pytest.raises(ConfigError, match="another setup"):
        open_run(tmp_path, {**setup, "recipe": Recipe().as_mapping()})
