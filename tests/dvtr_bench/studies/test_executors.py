"""Whoever carries runs out, and whatever is killed meanwhile: the results are the same."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dvtr_bench.studies.carry_out import Task
from dvtr_bench.studies.executors import ray as ray_executor
from dvtr_bench.studies.executors.events import Ended, Failed, Started
from dvtr_bench.studies.executors.local import ATTEMPTS, run_on_devices
from dvtr_bench.studies.ledger import Ledger
from dvtr_bench.studies.plan import Build
from dvtr_bench.studies.work import plan_study
from tests.fixtures.ready_processes import run_commands_together
from tests.fixtures.small_study import QUIET, STUDY, results, work, write_study
from tests.fixtures.tiny_dataset import build_tiny

# Ray's test cluster does not wait for the processes of the node that it kills.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*Popen.__del__:pytest.PytestUnraisableExceptionWarning"),
]

TEXT = STUDY.partition('[models."pooling=mean"]')[0]
"""A backbone, two trainings on it, and a model without any: five results, and two at block 1."""

NODE = {"num_cpus": 1, "object_store_memory": 150 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    """A folder with the dataset, the study, and its results as this process gives them."""
    folder = tmp_path_factory.mktemp("place")
    built = build_tiny(folder)
    study = write_study(folder, TEXT)
    work(study, built, folder / "here")
    return folder, built, study, results(folder / "here")


def test_processes_on_devices_give_the_same_though_one_dies(place, tmp_path: Path) -> None:
    _, built, study, expected = place
    seen, killed = [], []
    others = _processes()

    def executor(tasks: list[Task]) -> Iterator[Any]:
        for event in run_on_devices(tasks, ["cpu", "cpu"], QUIET):
            seen.append(event)
            yield event
            # One that has begun a model, not the backbone.
            if isinstance(event, Started) and len(tasks) > 1 and not killed:
                child = next(iter(_processes() - others))
                os.kill(child.pid or 0, signal.SIGKILL)
                killed.append(child.pid)

    worked, told = work(study, built, tmp_path, executor)
    assert worked.failures == ()
    assert results(tmp_path) == expected
    assert sum(isinstance(event, Ended) for event in seen) == 4
    # The run that lost its process was begun twice.
    assert len(told) == 5
    assert _processes() <= others


def test_a_run_that_always_kills_its_process_is_given_up(place, tmp_path: Path) -> None:
    _, built, study, _ = place
    (run, *_) = plan_study(study, [Build.of(built)], Ledger.open(tmp_path))
    found, others = [], _processes()
    for event in run_on_devices([Task(run, tmp_path / "run")], ["cpu", "cpu"], QUIET):
        found.append(event)
        if isinstance(event, Started):
            for child in _processes() - others:
                os.kill(child.pid or 0, signal.SIGKILL)
    assert [type(event) for event in found] == [Started] * ATTEMPTS + [Failed]
    assert "ended by SIGKILL, 3 times in a row; often because memory ran out" in found[-1].message


@pytest.mark.torture
def test_a_study_that_is_killed_goes_on_with_the_same_results(place, tmp_path: Path) -> None:
    folder, built, _, expected = place
    command = [
        *(sys.executable, "-m", "dvtr_bench", "run", str(folder / "small.toml")),
        *("--root", str(built.folder.parent), "--out", str(tmp_path), "--devices"),
    ]
    first = subprocess.Popen(
        [*command, "cpu,cpu"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    # A whole run is there (this model has one result), others are under way.
    _wait_for(lambda: list(tmp_path.glob("results/*clip_zeroshot*.json")), first)
    children = _children(first.pid)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert first.stderr is not None
    first.stderr.close()
    assert len(children) >= 2
    _wait_for(lambda: not any(map(_is_alive, children)))
    before = len(list(tmp_path.glob("results/*.json")))
    assert before < len(expected)
    (tmp_path / "again").mkdir()
    again = run_commands_together(1, tmp_path / "again", [*command[3:], "cpu"])
    assert again.exit_codes == (0,), again.err
    assert "runs are done already" in again.err
    assert results(tmp_path) == expected
    page = (tmp_path / "studies" / "small" / "STUDY.md").read_text(encoding="utf-8")
    assert "| text\\_block=1<br>" in page or "| text\\_block=1 |" in page
    assert (tmp_path / "studies" / "small" / "LEADERBOARD.md").is_file()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and no other node, one core, as processes of this machine."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Ray's own imports and start emit
        pytest.importorskip("ray", reason="Ray is not installed: pip install 'dvtr-bench[ray]'")
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        yield made
    finally:
        made.shutdown()


def on_ray(cluster: Any, out: Path) -> Any:
    return partial(ray_executor.run_on_ray, out=out, address=cluster.address, means=QUIET)


@pytest.mark.torture
def test_a_node_of_a_cluster_dies_and_the_results_are_the_same(
    place, cluster, tmp_path: Path
) -> None:
    _, built, study, expected = place
    other = cluster.add_node(**NODE)

    def kill_a_node() -> None:
        _wait_for(lambda: list(tmp_path.glob("runs/tiny/msam/*/run.json")))
        cluster.remove_node(other, allow_graceful=False)

    killer = threading.Thread(target=kill_a_node)
    killer.start()
    worked, told = work(study, built, tmp_path, on_ray(cluster, tmp_path))
    killer.join()
    assert worked.failures == ()
    assert results(tmp_path) == expected
    assert len(told) >= 4


def test_nodes_that_share_no_disk_are_sent_what_they_lack_and_send_back_what_they_make(
    place, cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, built, study, expected = place
    monkeypatch.setattr(ray_executor, "node_path", lambda path: Path("/nowhere") / path.name)
    # A bank of 32 captions cannot be chosen from two: what fails is said, what came before is kept.
    bank = '\n[models.bank]\nmodel = "msam"\nsettings = { text_block = "text_bank" }\n'
    asked = write_study(tmp_path, TEXT + bank)
    worked, _ = work(asked, built, tmp_path, on_ray(cluster, tmp_path))
    assert len(worked.failures) == 2
    assert all("there are only 2 training captions" in failure for failure in worked.failures)
    assert results(tmp_path) == expected
    states = list(tmp_path.glob("runs/tiny/*/*/run.json"))
    assert len(states) == 3
    # What came back can be evaluated, and nothing is trained again.
    for path in tmp_path.glob("results/*.json"):
        path.unlink()
    again, _ = work(study, built, tmp_path)
    assert again.failures == ()
    assert results(tmp_path) == expected
    assert [path.stat().st_mtime_ns for path in states] == [
        path.stat().st_mtime_ns for path in tmp_path.glob("runs/tiny/*/*/run.json")
    ]


def _wait_for(condition: Any, process: "subprocess.Popen[str] | None" = None) -> None:
    while not condition():
        if process is not None and process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read())
        time.sleep(0.02)


def _processes() -> set[multiprocessing.process.BaseProcess]:
    """Return the processes of this one; tests before may have left some, such as a Hub's client."""
    return set(multiprocessing.active_children())


def _children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(one) for one in found.stdout.split()]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.is_file() or state.read_text().rpartition(")")[2].split()[0] != "Z"
