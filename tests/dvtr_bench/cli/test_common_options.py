"""What all commands have in common: outputs, datasets, --quiet, --json, hints, groups of help."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from dvtr_bench.cli import make_app
from dvtr_bench.errors import ClipError, ConfigError, NotFoundError
from dvtr_bench.runtime.terminal import is_quiet
from dvtr_bench.training.recipe import TINY, TINY_SCRATCH, Recipe
from tests.builders.forging import build_toy, toy_rows
from tests.fixtures.scored_runs import random_split, scored_run

COMMANDS: dict[str, Any] = typer.main.get_command(make_app()).commands  # type: ignore[attr-defined]
PRINT_TABLES = set(
    "ablate audit backbones build compare datasets diff doctor evaluate info judge leaderboard "
    "mistakes models plot pool probe quickstart run runs search show submit verify".split()
)
WRITE = set(
    "ablate audit compare convert diff evaluate export info judge leaderboard mistakes plot "
    "pool pretrain-tiny probe quickstart report run search sheet train verify".split()
)
NAME_A_DATASET = set(
    "ablate audit build compare datasets diff evaluate export info judge leaderboard mistakes pool "
    "probe push report run runs search sheet submit train verify".split()
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two datasets, two results, a matrix of scores and two training runs."""
    folder = tmp_path_factory.mktemp("common")
    built = build_toy(folder, name="toy")
    build_toy(folder, [row.replace("boat", "ship") for row in toy_rows()], "ships")
    own, video_ids, caption_ids = random_split(videos=4, captions=6)
    for seed, model in enumerate(("a", "b")):
        scores = np.random.default_rng(seed).random((6, 4))
        scored_run(folder / "results", scores, own, video_ids, caption_ids, model)
    split = built.split("test")
    np.savez(
        folder / "scores.npz",
        sim_matrix=np.random.default_rng(2).random((len(split.captions), len(split))),
        caption_ids=np.array(split.caption_ids),
        video_ids=np.array(split.video_ids),
    )
    for number, finished in ((1, True), (2, False)):
        run = folder / "runs" / "toy" / "msam" / f"run{number}"
        run.mkdir(parents=True)
        setup = {
            "model": {"model": "msam"},
            "dataset": {"name": "toy"},
            "recipe": {"seed": number, "epochs": 2},
        }
        state = {"setup": setup, "epochs_done": number % 2 * 2, "best_recall": 12.5}
        state |= {"finished": finished, "updated_at": f"2026-01-0{number}"}
        (run / "run.json").write_text(json.dumps(state))
    return folder


@pytest.fixture
def work(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder to work in."""
    monkeypatch.chdir(shutil.copytree(kept, tmp_path / "work"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "work"


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(make_app(), list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def shown(name: str) -> set[str]:
    return {word for one in COMMANDS[name].params for word in one.opts if not one.hidden}


def page(*words: str) -> str:
    return " ".join(run(*words, "--help").stdout.split())


def test_one_spelling_for_each_thing() -> None:
    assert {name for name in COMMANDS if {"--out", "-o"} <= shown(name)} == WRITE
    assert {name for name in COMMANDS if "--root" in shown(name)} == NAME_A_DATASET
    assert {name for name in COMMANDS if "--json" in shown(name)} == PRINT_TABLES
    assert {name for name in COMMANDS if {"--quiet", "-q"} <= shown(name)} == COMMANDS.keys()
    # -o, -q and -h alone are short, so they mean the same wherever they stand.
    short = {word for name in COMMANDS for word in shown(name) if not word.startswith("--")}
    assert {word for word in short if word.startswith("-")} == {"-o", "-q"}


def test_a_dataset_is_described_in_the_same_words() -> None:
    told = {
        one.help.partition(" its folder.")[0]
        # `plot` names a dataset that results are of; it need not be built.
        for name in COMMANDS.keys() - {"build", "plot"}
        for one in COMMANDS[name].params
        if one.name == "dataset" or (name == "diff" and one.param_type_name == "argument")
    }
    assert told == {"A built dataset: its name, NAME@VERSION, or"}


OLD = [
    (("export", "results", "--to", "csv"), "--output", "there"),
    (("compare", "results/A", "results/B", "--no-sheet"), "--output", "there.md"),
    (("evaluate", "--sim-matrix", "scores.npz", "--model-name", "x", "--dataset", "toy"),
     "--results", "there"),
    (("verify", "toy"), "--json", "there.json"),
    (("diff", "toy", "ships"), "--json", "there.json"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "old", "path"), OLD, ids=[one[0][0] for one in OLD])
def test_spellings_of_before_still_work_and_are_not_shown(
    work: Path, words: tuple[str, ...], old: str, path: str
) -> None:
    files = dict(zip("AB", sorted(map(str, Path("results").glob("*.json"))), strict=True))
    words = tuple(files.get(word.removeprefix("results/"), word) for word in words)
    for spelling in ([old, path], [f"{old}={path}"], ["-o", path]):
        run(*words, *spelling)
        place = work / path
        assert place.exists()
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    if old != "--json":
        assert old not in page(words[0])


def test_json_before_the_dataset_is_no_file(work: Path) -> None:
    assert json.loads(run("verify", "--json", "toy").stdout)["whole"] is True
    assert "wrote x" in run("verify", "--json", "x", "toy").stdout
    assert json.loads(run("diff", "--json", "toy", "ships").stdout)["captions"]


def test_what_was_done_to_scores_already_and_what_is_done_here(work: Path) -> None:
    brought = ["evaluate", "--sim-matrix", "scores.npz", "--model-name", "x", "--dataset", "toy"]
    for option in ("--already-processed", "--post-processing"):
        (board,) = json.loads(run(*brought, option, "mine", "--json").stdout)["boards"]
        assert board["post_processing"] == "mine"
    boards = json.loads(run(*brought, "--post-process", "dual_softmax", "--json").stdout)["boards"]
    assert [board["post_processing"].partition(" ")[0] for board in boards] == [
        "none",
        "dual_softmax",
    ]
    told = page("evaluate")
    assert "Nothing is done here; --post-process does." in told
    assert "--post-processing" not in told


@pytest.mark.parametrize("words", [("verify",), ("info",), ("audit",)])
def test_where_a_dataset_is_the_argument_the_option_does_too(
    work: Path, words: tuple[str, ...]
) -> None:
    given = [run(*words, *how).stdout for how in (["toy"], ["--dataset", "toy"], ["--dataset=toy"])]
    assert given[0] == given[1] == given[2]


def test_a_dataset_under_another_root_is_found(work: Path) -> None:
    (work / "dvtr").rename(work / "elsewhere")
    brought = ["evaluate", "--sim-matrix", "scores.npz", "--model-name", "x", "--dataset", "toy"]
    with pytest.raises(NotFoundError, match="no dataset 'toy' is built"):
        run(*brought)
    run(*brought, "--root", "elsewhere")
    with pytest.raises(NotFoundError, match="no model is trained on toy"):
        run("search", "trees", "--dataset", "toy", "--root", "elsewhere", "--runs", "none")
    for command in ("train", "ablate", "probe"):
        model = [] if command == "ablate" else ["--model", "msam"]
        with pytest.raises(NotFoundError, match="no dataset 'tow'.* under elsewhere"):
            run(command, *model, "--dataset", "tow", "--root", "elsewhere")


def test_help_of_evaluate_is_in_groups() -> None:
    lines = run("evaluate", "--help").stdout.splitlines()
    groups = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert groups == [
        "Model:",
        "Scores that you bring, in place of --model:",
        "Dataset:",
        "Protocol:",
        "Output:",
        "Where it runs:",
        "Options:",
        "Post-processors:",
    ]
    brought = lines[lines.index(groups[1]) : lines.index("Dataset:")]
    starts = {line.split()[0] for line in brought if line.startswith("  --")}
    assert starts == {
        *("--sim-matrix", "--embeddings", "--model-name", "--text-block"),
        *("--already-processed", "--seed", "--from-mteb"),
    }
    for command in ("train", "run"):
        assert "\nWhere it runs:\n" in run(command, "--help").stdout
    # A page of few options needs no groups.
    assert "\nOptions:\n  --to" in run("export", "--help").stdout


def test_defaults_of_training_are_those_of_the_recipe() -> None:
    told = page("train")
    assert (
        f"the recipe's: {Recipe().epochs}, with --backbone tiny {TINY.epochs}, with tiny-scratch "
        f"{TINY_SCRATCH.epochs}" in told
    )
    for name in ("batch_size", "seed"):
        assert getattr(Recipe(), name) == getattr(TINY, name) == getattr(TINY_SCRATCH, name)
        assert f"the recipe's: {getattr(Recipe(), name)})" in told
    assert f"the recipe's: {TINY.epochs})" in page("quickstart")


JSON = [
    (("datasets",), {"can_be_built", "problems", "root", "built"}),
    (("models",), {"models", "problems"}),
    (("models", "msam"), {"name", "settings", "recipe_by_backbone", "scoring", "trainable"}),
    (("runs",), {"runs"}),
    (("info", "toy"), {"name", "built", "manifest"}),
    (("info", "usrd"), {"name", "built", "info", "options"}),
    (("verify", "toy"), {"whole", "findings"}),
    (("diff", "toy", "ships"), {"a", "b", "captions"}),
    (("audit", "toy"), {"findings", "written"}),
    (("leaderboard", "--breakdowns"), {"boards", "written"}),
    (("compare", "A", "B"), {"runs", "figures", "changed", "written"}),
    (("run", "msam-ablation", "--list", "--dataset", "toy"), {"study", "plan"}),
    (("doctor",), {"ready", "checks"}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "names"), JSON, ids=[" ".join(one[0]) for one in JSON])
def test_json_is_one_document_and_nothing_else(
    work: Path, words: tuple[str, ...], names: set[str]
) -> None:
    files = dict(zip("AB", sorted(map(str, Path("results").glob("*.json"))), strict=True))
    told = run(*(files.get(word, word) for word in words), "--json")
    document = json.loads(told.stdout)
    assert names <= document.keys()
    assert told.stdout.isascii()
    assert "next: " not in told.stderr
    for path in document.get("written", ()):
        assert Path(path).is_file()


def test_json_holds_what_the_tables_show(work: Path) -> None:
    document = json.loads(run("leaderboard", "--json").stdout)
    (board,) = document["boards"]
    best = board["rows"][0]
    assert {row["label"] for row in board["rows"]} == {"a", "b"}
    shown = f"{best['figures']['t2v']['strict']['R@1']['value']:.1f}"
    assert shown in run("leaderboard").stdout
    assert [one["name"] for one in json.loads(run("datasets", "--json").stdout)["built"]] == [
        "ships",
        "toy",
    ]
    listed = json.loads(run("runs", "--json").stdout)["runs"]
    assert [one["validation_t2v_r1"] for one in listed] == [None, 12.5]
    assert [one["finished"] for one in listed] == [False, True]


HINTED = [
    (("datasets",), "next: dvtr-bench train --model msam --dataset ships\n"),
    (("models",), "next: dvtr-bench train --model NAME --dataset NAME\n"),
    (("runs",), "next: dvtr-bench evaluate --model msam --dataset toy --checkpoint runs/toy/msam/"),
]


@pytest.mark.parametrize(("words", "hint"), HINTED, ids=[one[0][0] for one in HINTED])
def test_lists_say_what_to_type_next_unless_quiet(
    work: Path, words: tuple[str, ...], hint: str
) -> None:
    told = run(*words)
    assert hint in told.stderr
    assert "next: " not in told.stdout
    for quiet in (["--quiet", *words], [*words, "--quiet"], [*words, "-q"]):
        silent = run(*quiet)
        assert silent.stdout == told.stdout
        assert silent.stderr == ""
    assert not is_quiet()


def test_hints_of_runs_name_what_is_not_where_it_is_by_default(work: Path) -> None:
    (work / "runs").rename(work / "my runs")
    told = run("runs", "--runs", "my runs", "--root", "elsewhere").stderr
    assert "--checkpoint 'my runs/toy/msam/run1' --root elsewhere\n" in told
    assert "dvtr-bench show 'my runs/toy/msam/run2'\n" in told
    told = run("runs", "--runs", "none", "--root", "elsewhere").stderr
    assert (
        told == "next: dvtr-bench train --model msam --dataset NAME --root elsewhere --out none\n"
    )


def test_info_draws_a_dataset_and_hints_on_standard_error_alone(work: Path) -> None:
    told = run("info", "toy")
    assert told.stderr == "check it: dvtr-bench verify dvtr/toy\n"
    assert "check it" not in told.stdout
    assert run("info", "toy", "--quiet").stderr == ""
    assert run("info", "toy", "--sheet").stdout == f"{told.stdout}wrote toy.png\n"
    again = run("info", "toy", "--sheet", "-o", "a/b.png", "--split", "test", "--json")
    assert json.loads(again.stdout)["written"] == ["a/b.png"]
    for path in ("toy.png", "a/b.png"):
        assert (work / path).read_bytes().startswith(b"\x89PNG")
    assert "add --sheet" in run("info", "toy", "--seed", "1", code=2).stderr
    with pytest.raises(NotFoundError, match="no dataset 'usrd' is built"):
        run("info", "usrd", "--sheet")


def test_datasets_names_the_first_step_where_nothing_is_built(tmp_path: Path) -> None:
    told = run("datasets", "--root", str(tmp_path / "none"))
    assert f"next: dvtr-bench build aerosynth --size small --root {tmp_path}/none" in told.stderr
    assert "no training runs under" in run("runs", "--runs", str(tmp_path / "none")).stdout


def test_quiet_keeps_results_and_drops_bars(work: Path) -> None:
    brought = ["evaluate", "--sim-matrix", "scores.npz", "--model-name", "x", "--dataset", "toy"]
    told, silent = run(*brought), run(*brought, "--quiet")
    assert silent.stdout == told.stdout
    assert silent.stderr == ""
    assert "score" in told.stderr
    assert "next: dvtr-bench leaderboard" in told.stderr


def test_names_of_datasets_stand_in_one_piece(work: Path) -> None:
    (work / "dvtr" / "toy").rename(work / "dvtr" / "other")
    manifest = work / "dvtr" / "other" / "dataset.json"
    name = "a-dataset-of-a-long-name"
    manifest.write_text(manifest.read_text().replace('"toy"', f'"{name}"', 1))
    (work / "dvtr" / "other").rename(work / "dvtr" / name)
    assert name in run("datasets").stdout


def test_a_model_that_is_not_trained_is_refused_before_anything_is_made(work: Path) -> None:
    before = sorted(work.rglob("*"))
    words = ["train", "--model", "clip_zeroshot", "--dataset", "toy", "--device", "cpu"]
    told = CliRunner().invoke(make_app(), words)
    assert isinstance(told.exception, ConfigError)
    assert "clip_zeroshot is not trained" in str(told.exception)
    assert told.output == ""
    assert sorted(work.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("search", "--video", "gone.mp4", "--dataset", "none"), ClipError, "gone.mp4: there is"),
        (("search", "trees", "--device", "tpu", "--dataset", "none"), ConfigError, "tpu"),
        (
            ("evaluate", "--sim-matrix", "gone.npz", "--model-name", "x", "--dataset", "none"),
            NotFoundError,
            "no file gone.npz",
        ),
        (
            ("evaluate", "--model", "msam", "--checkpoint", "gone", "--dataset", "none"),
            NotFoundError,
            "no checkpoint in gone",
        ),
        (("leaderboard", "gone", "--study", "none"), NotFoundError, "none"),
    ],
)
def test_what_is_cheap_to_check_is_told_first(
    work: Path, words: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "--model", "clip_zeroshot", "--out", "scores.npz"),
        ("train", "--model", "msam", "--dataset", "toy", "--out", "scores.npz"),
        ("leaderboard", "--out", "dvtr"),
        ("search", "trees", "--out", "dvtr"),
    ],
)
def test_an_output_that_cannot_be_is_told_before_the_work(
    work: Path, words: tuple[str, ...]
) -> None:
    assert "Invalid value for '--out'" in run(*words, code=2).stderr


@pytest.mark.parametrize("words", ["datasets", "models", "runs", "leaderboard --out L.md"])
def test_a_reader_that_stops_early_leaves_no_traceback(work: Path, words: str) -> None:
    command = f"{sys.executable} -m dvtr_bench {words} | head -1"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        command, shell=True, cwd=work, env=environment, capture_output=True, text=True, check=True
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    if words.startswith("leaderboard"):
        assert (work / "L.md").is_file()
