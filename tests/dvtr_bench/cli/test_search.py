"""`dvtr-bench search`: a table and a contact sheet, and clear errors."""

import io

import pytest
import torch
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ClipError, DvtrError, InputError, NotFoundError
from dvtr_bench.runtime.checkpoint import RUN_FILE, save_checkpoint, write_json
from dvtr_bench.searching.report import print_captions, print_clips
from dvtr_bench.searching.searches import FoundCaption, FoundClip
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny, small_model


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A working folder with a dataset, two trained models and one without frames."""
    folder = tmp_path_factory.mktemp("search")
    built = build_tiny(folder)
    for name, updated_at in (("clip4clip_meanp", "2026-02"), ("msam", "2026-01")):
        run = folder / "runs" / "tiny" / name / "run"
        training = {"dataset": {"name": built.name, "fingerprint": built.manifest.fingerprint}}
        save_checkpoint(run / "epoch-001", small_model(name), training)
        write_json(run / RUN_FILE, {"best": "epoch-001", "updated_at": updated_at})
    settings = BuildSettings(folder / "bare", "bare", None, workers=0, progress=False)
    build("folder", {"captions": folder / "captions.csv"}, settings)
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    for name in ("dvtr", "runs", "bare", "clips"):
        (tmp_path / name).symlink_to(made / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)

    def invoke(*words, code=0):
        result = CliRunner().invoke(make_app(), ["search", *words], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_a_text_finds_clips(run, tmp_path) -> None:
    told = run("the number 5", "--top", "7")
    assert "The best 7 of 10 clips of tiny test, by clip4clip_meanp" in told
    assert all(heading in told for heading in ("rank", "score", "video id", "caption"))
    assert told.count("trees (and 1 more)") == 7
    assert "category" not in told, "these clips have none"
    assert "wrote search.png" in told
    with Image.open(tmp_path / "search.png") as sheet:
        assert sheet.width > 1000


def test_a_clip_finds_captions(run, tmp_path) -> None:
    told = run("--video", "clips/clip 3.mp4", "--model", "msam", "--sheet", "of/clip.PNG")
    assert "The best 10 captions for clip 3.mp4 in tiny test, by msam" in told
    assert "wrote of/clip.PNG" in told
    assert (tmp_path / "of" / "clip.PNG").is_file()


def test_a_checkpoint_says_what_model_it_is(run) -> None:
    assert "by msam" in run("trees", "--checkpoint", "runs/tiny/msam/run")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["trees", "--dataset", "nowhere"], NotFoundError, "no dataset 'nowhere' is built"),
        (["trees", "--dataset", "bare/bare"], NotFoundError, "--annotations-only"),
        (["trees", "--model", "clip4clip_seqtransf"], NotFoundError, "has no checkpoint for tiny"),
        (["trees", "--model", "clipp"], DvtrError, "no model is called 'clipp'"),
        (["trees", "--runs", "elsewhere"], NotFoundError, "--model clip_zeroshot"),
        (["  "], InputError, "is empty"),
        (["--video", "clips/gone.mp4"], ClipError, "gone.mp4"),
        (["--video", "captions.csv"], ClipError, "captions.csv"),
    ],
)
def test_what_is_not_there_is_said(run, words, error, message) -> None:
    with pytest.raises(error, match=message):
        run(*words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "found neither"),
        (["trees", "--video", "a.mp4"], "found both"),
        (["trees", "--sheet", "a.jpg"], "ends in .png"),
        (["trees", "--top", "0"], "--top"),
    ],
)
def test_wrong_usage(run, words, message) -> None:
    assert message in run(*words, code=2)


def test_several_datasets_are_not_guessed_among(run, tmp_path, made) -> None:
    (tmp_path / "dvtr").unlink()
    (tmp_path / "dvtr").mkdir()
    (tmp_path / "dvtr" / "one").symlink_to(made / "dvtr" / "tiny")
    (tmp_path / "dvtr" / "two").symlink_to(made / "bare" / "bare")
    with pytest.raises(InputError, match="several datasets are built"):
        run("trees")


def test_no_dataset_at_all(run, tmp_path) -> None:
    (tmp_path / "dvtr").unlink()
    with pytest.raises(NotFoundError, match="dvtr-bench build"):
        run("trees")


def shown(show, found):
    text = io.StringIO()
    show(found, "title", Console(file=text, width=90))
    return text.getvalue()


def test_tables_show_text_of_others_and_do_not_obey_it() -> None:
    clips = [FoundClip(1, 0.25, 0, "a [red]b[/red]", "farm", ("\x1b[2J[bold]x[/bold]",))]
    told = shown(print_clips, clips)
    assert "a [red]b[/red]" in told
    assert " [2J[bold]x[/bold]" in told
    assert "farm" in told
    assert "\x1b" not in told
    captions = [FoundCaption(1, 0.5, "x\ny", (0, 3), ("a", "b"), ("farm", None))]
    told = shown(print_captions, captions)
    assert "x y" in told
    assert "a (and 1 more)" in told


def test_faiss_and_torch_share_a_process(run) -> None:
    run("trees")
    assert torch.ones(300, 300).matmul(torch.ones(300, 300)).sum() == 300**3
