"""`dvtr-bench plot` and `dvtr.plot`: what is drawn is what the results say."""

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.catalog import PLOTS
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import compare
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import NamedValues, Series
from dvtr_bench.results import RunRecord, write_result
from leaderboard.run_logs import MOST_POINTS, read_log
from tests.fixtures.records import toy_record

RECIPE = {"epochs": 3, "freeze": "frames"}
OWN_KINDS = [
    "ablation", "breakdown", "breakdown_bars", "curves", "parameters", "ranks", "recall",
    "seconds", "training", "training_loss",
]  # fmt: skip


def records() -> list[RunRecord]:
    return [
        toy_record("msam", rank_seed=1, best_rank=3, text_block=32, recipe=RECIPE, seeds=(1,)),
        toy_record("msam", rank_seed=2, best_rank=4, text_block=32, recipe=RECIPE, seeds=(2,)),
        toy_record("xpool", rank_seed=3),
        toy_record("xpool", rank_seed=4, config={"layers": 2}),
    ]


def write_run(runs: Path, record: RunRecord, lines: list[dict[str, Any]], name: str = "r") -> Path:
    """Write what a training leaves behind, but for its weights."""
    training = record.model.training
    assert training is not None
    seed = training.recipe["seed"]
    folder = runs / record.model.name / training.dataset / f"{name}-seed{seed}"
    folder.mkdir(parents=True)
    state = {
        "format_version": 1,
        "setup": {
            "model": {"model": record.model.name, "config": dict(record.model.config)},
            "dataset": {"name": training.dataset, "fingerprint": training.fingerprint},
            "recipe": dict(training.recipe),
        },
        "best": "epoch-003",
        "updated_at": name,
    }
    (folder / "run.json").write_text(json.dumps(state))
    told = [json.dumps(line) for line in lines]
    (folder / "log.jsonl").write_text("\n".join([*told, '{"epoch": 3, "st']))
    return folder


LOG = [
    {"epoch": 1, "step": 1, "loss": 4.0},
    {"epoch": 1, "step": 2, "loss": 2.0},
    {"epoch": 1, "validation_t2v_r1": 10.0},
    {"epoch": 2, "step": 3, "loss": 1.0},
    {"epoch": 2, "validation_t2v_r1": 12.5},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plots")
    for record in records():
        write_result(record, made / "results")
    for record in records()[:2]:
        write_run(made / "runs", record, LOG)
    return made


def draw(folder: Path, kind: str, **settings: Any) -> Chart:
    return dvtr.plot(folder / "results", kind, runs=folder / "runs", **settings)


def test_the_kinds_are_those_of_the_folder_then_every_chart() -> None:
    names = PLOTS.names()
    assert names[: len(OWN_KINDS)] == OWN_KINDS
    assert {"bars", "dots", "forest", "heatmap", "lines", "scatter", "steps"} <= set(names)


@pytest.mark.parametrize("kind", PLOTS.names())
def test_every_kind_is_written_in_three_forms_and_twice_the_same(
    folder: Path, kind: str, tmp_path: Path
) -> None:
    if PLOTS.entry(kind).name == "training":
        assert isinstance(draw(folder, kind).data, Series)
    chart = draw(folder, kind)
    for suffix in ("pdf", "svg", "PNG"):
        first, second = (
            chart.save(tmp_path / number / f"fig.{suffix}", "column", title=False).read_bytes()
            for number in ("one", "two")
        )
        assert first == second
    assert (tmp_path / "one" / "fig.pdf").read_bytes().startswith(b"%PDF")
    svg = ElementTree.parse(tmp_path / "one" / "fig.svg").getroot()
    words = " ".join("".join(text.itertext()) for text in svg.iter() if text.tag.endswith("}text"))
    assert "xpool" in words or kind in ("training", "training_loss")
    with Image.open(tmp_path / "one" / "fig.PNG") as image:
        assert image.width == round(3.3 * 300)


def test_a_pdf_keeps_its_texts_as_texts(folder: Path, tmp_path: Path) -> None:
    content = draw(folder, "recall").save(tmp_path / "fig.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


def test_recall_has_the_points_and_whiskers_of_the_results(folder: Path) -> None:
    chart = draw(folder, "recall")
    (board,) = dvtr.make_leaderboard(folder / "results").boards
    assert chart.data.names == [entry.name for entry in board.entries]  # type: ignore[union-attr]
    assert "xpool, layers=2" in chart.data.names  # type: ignore[union-attr]
    (axes,) = chart.figure("column").axes
    shown = {
        line.get_gid(): (line.get_xdata()[0], line.get_ydata()[0])
        for line in axes.lines
        if line.get_gid()
    }
    whiskers = [path.vertices for group in axes.collections for path in group.get_paths()]
    for k in (1, 5, 10):
        for entry in board.entries:
            cell = entry.figures["t2v", "strict", f"R@{k}"]
            ((x, y),) = [
                at for gid, at in shown.items() if f"{entry.name}, T2V R@{k}: " in str(gid)
            ]
            assert x == cell.value
            ends = [[float(one) for one in line[:, 0]] for line in whiskers if line[0, 1] == y]
            assert ends == [[cell.low, cell.high]]


def test_directions_are_those_of_the_figures(folder: Path) -> None:
    data = draw(folder, "recall", direction="v2t").data
    assert isinstance(data, NamedValues)
    (board,) = dvtr.make_leaderboard(folder / "results").boards
    stated = [entry.figures["v2t", "strict", "R@1"].value for entry in board.entries]
    assert data.parts["V2T R@1"] == stated
    with pytest.raises(ConfigError, match="no direction is called 't2t'"):
        draw(folder, "recall", direction="t2t")


def test_size_and_seconds_are_those_of_the_results(folder: Path) -> None:
    assert draw(folder, "parameters").data.parts["parameters, millions"] == [0.001] * 3  # type: ignore[union-attr]
    assert draw(folder, "seconds").data.parts["scoring, seconds"] == [3.0] * 3  # type: ignore[union-attr]


def test_curves_and_ranks_are_counted_from_the_ranks(folder: Path) -> None:
    runs = [one.rank_table.ranks["t2v"]["strict"].pessimistic for one in records()[:2]]
    for kind in ("curves", "ranks"):
        data = draw(folder, kind).data
        assert isinstance(data, Series)
        line = data.lines["msam (block 32)"]
        assert [k for k, _ in line] == list(range(1, 21))
        for k, share in line:
            assert share == pytest.approx(np.mean([100 * (ranks <= k).mean() for ranks in runs]))


def test_groups_are_those_of_the_breakdown(folder: Path) -> None:
    record = records()[2]
    data = draw(folder, "breakdown", axis="category").data
    assert isinstance(data, NamedValues)
    row = data.names.index("xpool, layers=4")
    for group, found in record.breakdowns["category"].results["t2v"].items():
        assert data.parts[group][row] == found.metrics["R@1"].value
    with pytest.raises(NotFoundError, match="'colour': there are caption_length, category"):
        draw(folder, "breakdown", axis="colour")


def test_differences_are_those_of_a_paired_comparison(folder: Path) -> None:
    one, other = records()[2:]
    data = draw(folder, "ablation", against="xpool, layers=4").data
    assert isinstance(data, NamedValues)
    ((part, values),) = data.parts.items()
    assert "difference to xpool, layers=4" in part
    expected = compare(one.rank_table, other.rank_table, BootstrapConfig())["t2v", "strict", "R@1"]
    row = data.names.index("xpool, layers=2")
    assert values[row] == pytest.approx(expected.difference)
    assert data.intervals[part][row] == pytest.approx((expected.low, expected.high))
    with pytest.raises(NotFoundError, match=r"2 rows called 'xpool': .*'xpool, layers=2'"):
        draw(folder, "ablation", against="xpool")
    with pytest.raises(NotFoundError, match="no row called 'clip'"):
        draw(folder, "ablation", against="clip")
    with pytest.raises(NotFoundError, match=r"no figure of t2v is called 'R@7': there are R@1"):
        draw(folder, "ablation", figure="R@7")


def test_training_shows_the_logs_of_the_runs(folder: Path, tmp_path: Path) -> None:
    chart = draw(folder, "training")
    assert isinstance(chart.data, Series)
    assert chart.data.lines == dict.fromkeys(
        ["msam (block 32), seed 1", "msam (block 32), seed 2"], [(1.0, 10.0), (2.0, 12.5)]
    )
    loss = draw(folder, "training_loss").data
    assert isinstance(loss, Series)
    assert loss.lines["msam (block 32), seed 1"] == [(1.0, 4.0), (2.0, 2.0), (3.0, 1.0)]
    shutil.copytree(folder / "runs" / "msam" / "usrd" / "r-seed1", tmp_path / "msam" / "usrd" / "r")
    partly = dvtr.plot(folder / "results", "training", runs=tmp_path)
    assert partly.notes == (f"msam (block 32), seed 2: no log in {tmp_path}",)
    with pytest.raises(NotFoundError, match=r"no log of these results stands in .*nowhere"):
        dvtr.plot(folder / "results", "training", runs=tmp_path / "nowhere")


def test_the_newest_run_of_a_setup_counts_and_weights_before_it(tmp_path: Path) -> None:
    record = records()[0]
    for name, recall in (("a", 1.0), ("b", 2.0)):
        write_run(tmp_path, record, [{"epoch": 1, "validation_t2v_r1": recall}], name)
    shown = dvtr.plot(records(), "training", runs=tmp_path).data
    assert isinstance(shown, Series)
    assert shown.lines == {"msam (block 32), seed 1": [(1.0, 2.0)]}
    other = tmp_path / "msam" / "usrd" / "a-seed1" / "epoch-003"
    other.mkdir()
    (other / "config.json").write_text(json.dumps({"weights_sha256": "c" * 64}))
    by_weights = dvtr.plot(records()[:1], "training", runs=tmp_path).data
    assert isinstance(by_weights, Series)
    assert by_weights.lines == {"msam (block 32), seed 1": [(1.0, 1.0)]}


def test_a_long_log_is_shown_by_means(tmp_path: Path) -> None:
    lines = [{"epoch": 1, "step": n + 1, "loss": float(n % 2)} for n in range(2 * MOST_POINTS)]
    run = write_run(tmp_path, records()[0], lines)
    loss = read_log(run).loss
    assert len(loss) == MOST_POINTS
    assert {y for _, y in loss} == {0.5}
    assert loss[-1][0] == 2 * MOST_POINTS


def test_results_of_several_datasets_need_a_choice(tmp_path: Path) -> None:
    several = [toy_record("a"), toy_record("b", dataset="capera")]
    with pytest.raises(NotFoundError, match=r"found several: capera 1.0.0, test.*usrd"):
        dvtr.plot(several)
    data = dvtr.plot(several, dataset="capera").data
    assert isinstance(data, NamedValues)
    assert list(data.names) == ["b"]
    with pytest.raises(NotFoundError, match="no results of that dataset, split"):
        dvtr.plot(several, split="train")
    processed = [toy_record("a"), toy_record("a", post_processing="dual_softmax")]
    assert "post-processed" not in dvtr.plot(processed).data.title
    shown = dvtr.plot(processed, post_processing="dual_softmax")
    assert "post-processed by dual_softmax" in shown.data.title


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no kind of plot is called 'pie': .*recall.*dots"):
        dvtr.plot([toy_record("a")], "pie")
    with pytest.raises(NotFoundError, match="no result files"):
        dvtr.plot(tmp_path)
    with pytest.raises(NotFoundError, match="a difference needs two rows, found a alone"):
        dvtr.plot([toy_record("a")], "ablation")


def run(*words: str) -> str:
    return CliRunner().invoke(make_app(), ["plot", *words], catch_exceptions=False).output


def test_the_command_writes_one_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = str(folder / "results")
    assert run(results) == "wrote plot.pdf\n"
    words = ["--kind", "training", "--runs", str(folder / "runs"), "-o", "a/b.svg"]
    assert run(results, *words, "--size", "page", "--no-title") == "wrote a/b.svg\n"
    shown = json.loads(run(results, "--kind", "curves", "-o", "c.png", "--json"))
    assert shown["written"] == "c.png"
    assert shown["data"]["lines"]["msam (block 32)"][0][0] == 1.0
    with pytest.raises(ConfigError, match=r"c.jpg: a chart is written as .pdf, .svg, .png"):
        run("nowhere", "-o", "c.jpg")
    with pytest.raises(ConfigError, match="no size is called 'wide'"):
        run("nowhere", "--size", "wide")
    assert "breakdown_bars" in run("--help")
