"""eval.yaml and .eval_results: a push registers the tasks that the results then name."""

from pathlib import Path

import pytest
from huggingface_hub import parse_eval_result_entries

from leaderboard.exports import eval_results
from leaderboard.result_files import ResultFile
from tests.builders.publishing.test_push import REPO, push
from tests.fixtures.records import toy_record

yaml = pytest.importorskip("yaml")


def test_a_push_registers_every_task_that_results_name(hub, client, datasets, tmp_path) -> None:
    built = datasets.build()
    outcome = push(client, built)
    assert outcome.code == 0, outcome.err
    repo = hub.repos[REPO]
    assert "eval.yaml" in repo.commits[repo.tags["v1.0.0"]]
    told = yaml.safe_load(repo.main["eval.yaml"].data)
    assert list(told) == ["name", "description", "evaluation_framework", "tasks"]
    assert told["name"] == "Drones"
    assert told["evaluation_framework"] == "dvtr-bench"
    assert "1 test videos with 2 captions" in told["description"]
    tasks = {task["id"]: (task["config"], task["split"]) for task in told["tasks"]}
    assert set(tasks.values()) == {("default", "test")}
    assert len(tasks) == len(told["tasks"])
    files = [ResultFile(toy_record(dataset="drones"), Path("run.json"))]
    (path,) = eval_results.export(files, tmp_path, repo=REPO).files
    entries = parse_eval_result_entries(yaml.safe_load(path.read_text("utf-8")))
    assert {entry.dataset_id for entry in entries} == {REPO}
    assert {entry.task_id for entry in entries} <= set(tasks)


def test_a_version_that_was_published_without_it_counts_as_published(hub, client, datasets) -> None:
    built = datasets.build()
    assert push(client, built).code == 0
    repo = hub.repos[REPO]
    for files in (repo.main, *repo.commits.values()):
        files.pop("eval.yaml", None)
    outcome = push(client, built)
    assert outcome.code == 0, outcome.err
    assert "is published already, byte for byte: nothing to do" in outcome.out
