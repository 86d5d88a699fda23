"""Files that were checked before are not checked again; whatever changed is."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dvtr_bench.errors import ResultError
from dvtr_bench.ranking import figures
from dvtr_bench.results import RunRecord, files, load_results, read_result, write_result
from dvtr_bench.results import checks as record_checks
from dvtr_bench.results.checks import _MARKS
from tests.dvtr_bench.results.test_new_metrics import metric_added

MakeRecord = Callable[..., RunRecord]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were checked by computing their figures, in order."""
    done: list[str] = []
    real = files.completed

    def counted(record: RunRecord, file: str) -> RunRecord:
        done.append(Path(file).name)
        return real(record, file)

    monkeypatch.setattr(files, "completed", counted)
    return done


def test_a_file_is_checked_once(tmp_path: Path, make_record: MakeRecord, checks: list[str]) -> None:
    path = write_result(make_record(), tmp_path / "results")
    first, second = read_result(path), read_result(path)
    assert first == second == make_record()
    assert checks == [path.name]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_same_bytes_elsewhere_were_checked_too(
    tmp_path: Path, make_record: MakeRecord, checks: list[str]
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    read_result(path)
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    assert load_results([path, copy]) == [make_record(), make_record()]
    assert checks == [path.name]


def test_a_changed_file_is_checked_and_refused_every_time(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    read_result(path)
    before = path.stat()
    value = json.loads(path.read_text("utf-8"))
    value["metrics"]["t2v"]["strict"]["R@1"]["value"] += 1
    path.write_text(json.dumps(value), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(ResultError, match=r"metrics.t2v.strict.R@1.value says"):
            read_result(path)


def test_what_comes_along_with_results_is_not_believed(
    tmp_path: Path, make_record: MakeRecord, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody packs a forged file together with their own memory of it."""
    path = write_result(make_record(), tmp_path / "results")
    text = path.read_text("utf-8").replace('"shared_captions": 4', '"shared_captions": 5')
    path.write_text(text.replace('"t2v": {"R@1": ', '"t2v": {"R@1": 1'), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(path.parent))
        record_checks.remember_checked(path.read_bytes())
        assert record_checks.was_checked(path.read_bytes())
    with pytest.raises(ResultError, match="says"):
        read_result(path)


def test_what_is_damaged_in_the_cache_makes_nothing_pass(
    tmp_path: Path, make_record: MakeRecord, checks: list[str]
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    read_result(path)
    (entry,) = (file for file in _MARKS.folder().rglob("*") if file.is_file())
    entry.rename(entry.with_name(entry.name[:-1]))
    read_result(path)
    entry.write_bytes(b"anything")  # what is in it counts for nothing: there is nothing to damage
    read_result(path)
    assert checks == [path.name] * 2


def test_another_set_of_metrics_checks_anew(
    tmp_path: Path, make_record: MakeRecord, checks: list[str]
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    read_result(path)
    with metric_added():
        # The file lacks the new figures, so that they are computed at every read.
        assert all("MRR" in read_result(path).metrics["t2v"]["strict"] for _ in range(2))
    assert "MRR" not in read_result(path).metrics["t2v"]["strict"]
    assert len(checks) == 3


def test_other_code_checks_anew(
    tmp_path: Path, make_record: MakeRecord, checks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    read_result(path)
    monkeypatch.setattr(record_checks, "_code_sha256", lambda names: "other code")
    read_result(path)
    monkeypatch.setattr(record_checks, "PROTOCOL_VERSION", 2)
    read_result(path)
    assert len(checks) == 3


def test_the_code_that_counts_is_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(record_checks.METRICS.names())
    real = Path.read_bytes
    seen: list[str] = []

    def watched(path: Path) -> bytes:
        seen.append(path.name)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", watched)
    record_checks._code_sha256.__wrapped__(names)
    expected = {"bootstrap.py", "figures.py", "group_figures.py", "checks.py", "median_rank.py"}
    assert expected <= set(seen)
    assert Path(str(figures.__file__)).name in seen


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, make_record: MakeRecord, checks: list[str], cache: Path
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    cache.write_text("a file where the folder should be")
    assert read_result(path) == read_result(path) == make_record()
    assert len(checks) == 2


def test_a_home_that_is_not_there_is_done_without(
    tmp_path: Path, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    path = write_result(make_record(), tmp_path / "results")
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert read_result(path) == make_record()


def test_results_that_may_only_be_read_are_read(
    tmp_path: Path, make_record: MakeRecord, checks: list[str]
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert load_results(path.parent) == load_results(path.parent) == [make_record()]
    finally:
        path.parent.chmod(0o700)
    assert checks == [path.name]


def test_what_other_code_checked_long_ago_is_forgotten(
    tmp_path: Path, make_record: MakeRecord, cache: Path
) -> None:
    old, recent = (cache / "dvtr-bench" / "checked-results" / name for name in ("old", "recent"))
    for folder in (old, recent):
        folder.mkdir(parents=True)
        (folder / "hash").touch()
    os.utime(old, (0, 0))
    read_result(write_result(make_record(), tmp_path / "results"))
    assert not old.exists()
    assert recent.exists()


def test_two_processes_remember_side_by_side(
    tmp_path: Path, make_record: MakeRecord, checks: list[str]
) -> None:
    folder = tmp_path / "results"
    for seed in range(4):
        write_result(make_record(seed=seed), folder)
    code = f"from dvtr_bench.results import load_results; load_results({str(folder)!r})"
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert len(load_results(folder)) == 4
    assert checks == []


def test_a_second_read_needs_neither_numba_nor_pandas(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    path = write_result(make_record(), tmp_path / "results")
    read_result(path)
    code = (
        "import sys; from dvtr_bench.results import load_results; "
        f"load_results({str(path)!r}); sys.exit(bool({{'numba', 'pandas'}} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
