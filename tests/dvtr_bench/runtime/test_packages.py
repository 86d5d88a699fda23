"""Somebody else's `builders` on Python's path is noticed, and named with what to do."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dvtr_bench
from dvtr_bench import cli
from dvtr_bench.runtime import doctor, packages
from dvtr_bench.runtime.packages import FIRST_LINES, find_other_packages

HOME = Path(dvtr_bench.__file__).parents[1]


@pytest.fixture
def not_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the packages be looked up as at the start of a program."""
    for name in _imported():
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in _imported():
        del sys.modules[name]


def _imported() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in FIRST_LINES]


def _put(folder: Path, name: str, text: str = "VALUE = 1\n") -> Path:
    (folder / name).mkdir(parents=True)
    path = folder / name / "__init__.py"
    path.write_text(text)
    return path


def test_ours_are_known_by_their_first_lines() -> None:
    assert find_other_packages() == []
    for name, first in FIRST_LINES.items():
        assert (HOME / name / "__init__.py").read_text("utf-8").startswith(first)
    packages = {path.parent.name for path in HOME.glob("*/py.typed")}
    assert packages == {*FIRST_LINES, "dvtr_bench"}


@pytest.mark.parametrize("name", FIRST_LINES)
def test_one_that_comes_first_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_imported: None, name: str
) -> None:
    path = _put(tmp_path / "site", name)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (other,) = find_other_packages()
    assert (other.name, other.found) == (name, path)
    assert f"take {tmp_path / 'site'} out of PYTHONPATH" in str(other)
    assert name not in sys.modules  # nothing of it was run


def test_one_in_the_current_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_imported: None
) -> None:
    _put(tmp_path, "leaderboard")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (other,) = find_other_packages()
    assert "in the current folder; work in another folder, or rename leaderboard" in str(other)


def test_a_module_of_that_name_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_imported: None
) -> None:
    (tmp_path / "msam.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    (other,) = find_other_packages()
    assert other.found == tmp_path / "msam.py"


def test_one_installed_over_ours_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_imported: None
) -> None:
    for name, first in FIRST_LINES.items():
        _put(tmp_path, name, f'{first}."""' if name != "baselines" else "from .core import *")
    _put(tmp_path, "dvtr_bench")
    monkeypatch.setattr(
        packages.dvtr_bench, "__file__", str(tmp_path / "dvtr_bench" / "__init__.py")
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (other,) = find_other_packages()
    assert other.name == "baselines"
    assert "another distribution has replaced its files" in str(other)


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_imported: None
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    importlib.invalidate_caches()
    monkeypatch.setattr(sys, "meta_path", [importlib.machinery.PathFinder])
    assert [str(other) for other in find_other_packages()] == [
        f"the package {name} of dvtr-bench is not installed: "
        "pip install --force-reinstall --no-deps dvtr-bench"
        for name in FIRST_LINES
    ]


def test_the_doctor_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_imported: None
) -> None:
    path = _put(tmp_path, "builders")
    assert doctor._check_own_packages().verdict == "ok"
    monkeypatch.syspath_prepend(str(tmp_path))
    check = doctor._check_own_packages()
    assert check.verdict == "missing"
    assert str(path) in check.found
    assert check.advice


def test_a_command_that_needs_it_ends_in_a_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    not_imported: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = _put(tmp_path, "builders")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVTR_TRACEBACK", raising=False)
    monkeypatch.setattr(sys, "argv", ["dvtr-bench", "datasets"])
    monkeypatch.setattr("warnings.showwarning", None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert f"warning: the package builders of dvtr-bench is not ours but {path}" in told
    assert "error: No module named 'builders." in told
    assert "Traceback" not in told
