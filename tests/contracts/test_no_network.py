"""Nothing reaches for the network that nobody asked to: the names in others' files least of all."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from baselines.encoder.loading import load_encoder
from baselines.weights.backbone_spec import has_architecture
from dvtr_bench.cli import make_app
from dvtr_bench.errors import DvtrError, NotFoundError
from dvtr_bench.runtime.checkpoint import CONFIG_FILE
from tests.fixtures.no_network import refuse_network
from tests.hostile.checkpoint_files import load, write_checkpoint

PLACES = (
    "hf-hub:evil/repo",
    "hf-hub:timm/vit_base_patch32_clip_224.openai",
    "local-dir:/tmp",
    "https://evil.example/weights.pt",
    "hf://evil/repo",
    "hf:evil/repo",
    "st:evil/repo",
    "evil/repo",
)


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Fail each use of the network at once, and keep what it was about."""
    return refuse_network(monkeypatch)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "field",
    [
        "model.backbone.architecture",
        "model.backbone.source",
        "model.config.backbone",
        "model.model",
    ],
)
def test_a_name_in_a_checkpoint_is_fetched_from_nowhere(
    tmp_path: Path, sockets: list[object], place: str, field: str
) -> None:
    def change(config: dict[str, Any]) -> None:
        *parents, last = field.split(".")
        for name in parents:
            config = config[name]
        config[last] = place

    folder = write_checkpoint(tmp_path, change)
    if field in ("model.backbone.architecture", "model.model"):
        with pytest.raises(NotFoundError, match="config.json: .*no "):
            load(folder)
    else:  # they say where weights came from, and nothing looks there
        load(folder)
    assert not sockets


@pytest.mark.parametrize(
    "added",
    [
        {"pretrained": "openai"},
        {"hf_tokenizer_name": "evil/repo"},
        {"hf_model_name": "evil/repo"},
        {"text_cfg": {"hf_model_name": "evil/repo"}},
        {"vision_cfg": {"timm_model_name": "hf-hub:evil/repo", "timm_model_pretrained": True}},
    ],
)
def test_what_open_clip_would_fetch_is_not_looked_at(
    tmp_path: Path, sockets: list[object], added: dict[str, Any]
) -> None:
    folder = write_checkpoint(tmp_path, lambda config: config["model"]["backbone"].update(added))
    load(folder)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": added}))
    load(folder)
    assert not sockets


@pytest.mark.parametrize("place", PLACES)
def test_a_backbone_is_one_of_open_clips_own_names(sockets: list[object], place: str) -> None:
    assert not has_architecture(place)
    with pytest.raises(DvtrError):
        load_encoder(place)
    with pytest.raises(DvtrError):
        load_encoder(f"{place}/openai")
    assert not sockets


def test_a_checkpoint_as_a_backbone_fetches_nothing(tmp_path: Path, sockets: list[object]) -> None:
    folder = write_checkpoint(
        tmp_path,
        lambda config: config["model"]["backbone"].update(architecture="hf-hub:evil/repo"),
    )
    with pytest.raises(DvtrError):  # its CLIP is of another size than tiny
        load_encoder(f"tiny/{folder}")
    assert (folder / CONFIG_FILE).is_file()
    assert not sockets


COMMANDS = (
    "build folder --captions captions.csv --annotations-only --name texts",
    "info toy",
    "verify toy",
    "datasets",
    "models",
    "models msam",
    "models hf",
    "evaluate --model clip-zeroshot --backbone tiny --dataset toy --device cpu",
    "search --model clip-zeroshot --backbone tiny --dataset toy --device cpu --top 3",
    "leaderboard",
    "runs",
    "doctor",
)


def test_commands_on_what_is_here_use_no_network(
    example_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sockets: list[object]
) -> None:
    """Without a name of the Hub or an address, each of them does all of its work."""
    work = tmp_path / "work"
    shutil.copytree(example_folder, work)
    monkeypatch.chdir(work)
    for command in COMMANDS:
        words = command.split()
        if words[0] == "search":
            words.append("a drone looks down")
        result = CliRunner().invoke(make_app(), words, catch_exceptions=False)
        assert result.exit_code == 0, f"{command}: {result.output}"
        assert not sockets, command
