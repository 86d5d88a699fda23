"""CSV, LaTeX and .eval_results: every figure comes back, names cannot break a file."""

import re
import statistics

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import parse_eval_result_entries

from dvtr_bench.errors import InputError
from dvtr_bench.results import write_result
from leaderboard.exported import export_results
from leaderboard.exports import csv, eval_results, latex
from leaderboard.result_files import ResultFile
from tests.fixtures.records import toy_record

yaml = pytest.importorskip("yaml")


def files_of(*records):
    from pathlib import Path

    return [ResultFile(record, Path(f"run{number}.json")) for number, record in enumerate(records)]


def test_csv_holds_every_figure_to_the_last_digit(tmp_path) -> None:
    records = [toy_record('a, "b"\nc', seeds=(1, 2)), toy_record("b", text_block=32, rank_seed=1)]
    (path,) = csv.export(files_of(*records), tmp_path).files
    # As Python reads them: pandas' own reader may miss the last digit.
    frame = pd.read_csv(path, converters=dict.fromkeys(("value", "low", "high"), float))
    for number, record in enumerate(records):
        part = frame[frame["result"] == f"run{number}"]
        assert set(part["model"]) == {record.model.name}
        found = {
            (row.direction, row.relevance, row.metric): (row.value, row.low, row.high)
            for row in part.itertuples()
        }
        assert found == {
            (direction, kind, name): (figure.value, figure.low, figure.high)
            for direction, kinds in record.metrics.items()
            for kind, figures in kinds.items()
            for name, figure in figures.items()
        }
    assert set(frame["seeds"]) == {"1 2", "42"}
    assert ",32," in path.read_text(encoding="utf-8")


def rows_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]


def test_latex_rows_have_a_cell_for_every_column_and_the_records_figures(tmp_path) -> None:
    records = [toy_record("strong", best_rank=2), toy_record("clip_x & 50%\n\\end{tabular}")]
    (path,) = latex.export(files_of(*records), tmp_path).files
    header, first, second = rows_of(path)
    (columns,) = re.findall(r"\\begin\{tabular\}\{(\w+)\}", path.read_text())
    for row in (header, first, second):
        assert len(re.split(r"(?<!\\)&", row)) == len(columns)
    assert second.startswith(r"clip\_x \& 50\% \textbackslash{}end\{tabular\} &")
    figures = records[0].metrics
    shown = [
        f"{figures[direction]['strict'][name].value:.1f}"
        for direction in ("t2v", "v2t")
        for name in ("R@1", "R@5", "R@10", "MdR", "MnR")
    ]
    assert first == rf"strong & {' & '.join(shown)} \\"
    figure = figures["t2v"]["strict"]["R@1"]
    intervals = f"% 95% intervals over videos: {figure.low:.1f}-{figure.high:.1f} &"
    assert intervals in path.read_text()


def test_latex_outside_a_comment_balances(tmp_path) -> None:
    records = [toy_record("[*] {a}_b^~\\"), toy_record("x", dataset="umcrd")]
    (path,) = latex.export(files_of(*records), tmp_path).files
    lines = [line for line in path.read_text().splitlines() if not line.startswith("%")]
    text = re.sub(r"\\[{}]", "", "\n".join(lines))
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    assert not re.search(r"\\\\\s*[\[*]", text)


def test_latex_gives_seeds_one_row_with_their_deviation(tmp_path) -> None:
    records = [toy_record(seeds=(seed,), rank_seed=seed) for seed in range(3)]
    (path,) = latex.export(files_of(*records), tmp_path).files
    _, row = rows_of(path)
    values = [record.metrics["t2v"]["strict"]["R@1"].value for record in records]
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    assert row.startswith(rf"msam (3 seeds) & {mean:.1f}$_{{\pm{deviation:.1f}}}$ &")


def test_csv_adds_a_table_of_means_where_there_are_seeds(tmp_path) -> None:
    records = [toy_record(seeds=(seed,), rank_seed=seed) for seed in range(3)]
    _, path = csv.export(files_of(*records, toy_record("b", text_block=32)), tmp_path).files
    assert path.name == "seeds.csv"
    frame = pd.read_csv(path)
    one = frame.query("model == 'msam' and metric == 'MnR' and direction == 't2v'").iloc[0]
    values = [record.metrics["t2v"]["strict"]["MnR"].value for record in records]
    assert (one["count"], one["seeds"]) == (3, "0 1 2")
    assert one["mean"] == pytest.approx(statistics.mean(values))
    assert one["std"] == pytest.approx(statistics.stdev(values))
    single = frame[frame["model"] == "b"]
    assert single["std"].isna().all()
    assert set(single["count"]) == {1}


def test_eval_results_come_back_through_the_hubs_own_parser(tmp_path) -> None:
    record = toy_record("a/b: [c]", text_block=32, post_processing="dual softmax")
    (path,) = eval_results.export(files_of(record), tmp_path).files
    assert path.parent.name == ".eval_results"
    entries = parse_eval_result_entries(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert {entry.dataset_id for entry in entries} == {"dvtr/usrd"}
    assert {entry.date for entry in entries} == {record.environment.date_utc}
    values = {entry.task_id: entry.value for entry in entries}
    assert len(values) == len(entries)
    assert values["test_t2v_r1_dual_softmax"] == record.metrics["t2v"]["strict"]["R@1"].value
    assert values["test_both_rsum_dual_softmax"] == record.metrics["both"]["strict"]["RSum"].value
    assert np.isfinite(list(values.values())).all()
    assert all("blocks of 32" in entry.notes and "interval" in entry.notes for entry in entries)


def test_eval_results_of_several_models_say_where_they_belong(tmp_path) -> None:
    notes = eval_results.export(files_of(toy_record("a"), toy_record("b")), tmp_path).notes
    assert notes == ("2 models (a, b): put each file into the repository of its own model.",)
    assert eval_results.export(files_of(toy_record("a")), tmp_path).notes == ()


def test_eval_results_name_the_repository_that_was_given(tmp_path) -> None:
    (path,) = eval_results.export(files_of(toy_record()), tmp_path, repo="my-lab/usrd").files
    entries = parse_eval_result_entries(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert {entry.dataset_id for entry in entries} == {"my-lab/usrd"}


@pytest.mark.parametrize(
    ("repo", "told"), [("usrd", "expected ORG/NAME"), ("a/b/c", "a/b/c"), ("a b/c", "a b/c")]
)
def test_a_repository_of_another_form_is_refused(tmp_path, repo, told) -> None:
    with pytest.raises(InputError, match=told):
        eval_results.export(files_of(toy_record()), tmp_path, repo=repo)


def test_results_of_two_datasets_do_not_go_to_one_repository(tmp_path) -> None:
    files = files_of(toy_record(), toy_record(dataset="umcrd"))
    with pytest.raises(InputError, match="the results are of umcrd, usrd"):
        eval_results.export(files, tmp_path, repo="my-lab/usrd")


def test_the_repository_is_asked_for_where_it_is_named_and_nowhere_else(tmp_path) -> None:
    path = write_result(toy_record(), tmp_path)
    with pytest.raises(InputError, match="say which with --repo ORG/NAME"):
        export_results([path], "eval_results", tmp_path / "out")
    with pytest.raises(InputError, match="--to csv names no repository"):
        export_results([path], "csv", tmp_path / "out", repo="my-lab/usrd")
    exported = export_results([path], "eval_results", tmp_path / "out", repo="my-lab/usrd")
    assert [file.parent.name for file in exported.files] == [".eval_results"]
