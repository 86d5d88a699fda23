"""The doctor says what is there, and what to do about what is not."""

import importlib.metadata
from pathlib import Path

import pytest

from dvtr_bench.runtime import doctor
from dvtr_bench.video import mp4_writer


def test_every_requirement_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctor.check_machine()
    checks = {check.subject: check for check in found}
    assert len(checks) == len(found)
    for requirement in importlib.metadata.requires("dvtr-bench") or []:
        if "extra ==" not in requirement:
            assert checks[requirement.split(">=")[0]].verdict == "ok"
    assert checks["H.264 encoder"].found.startswith("x264 core ")
    assert checks["built datasets"].advice == "dvtr-bench quickstart builds one"
    assert all(check.advice for check in checks.values() if check.verdict != "ok")


def test_a_pyav_without_encoder_names_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    mp4_writer.encoder_name.cache_clear()
    monkeypatch.setattr(mp4_writer, "_CODEC", "libx999")
    check = doctor._check_encoder()
    assert check.verdict == "missing"
    assert "has no libx999" in check.found
    assert check.advice.startswith("pip install")


def test_a_missing_package_names_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", nothing)
    checks = list(doctor._check_packages())
    assert checks
    assert {check.verdict for check in checks} == {"missing"}
    assert any(check.advice.startswith("pip install 'torch") for check in checks)


def test_extras_are_told_with_what_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = [
        "torch>=2.6",
        'ray>=2.40; extra == "ray"',
        "no-such-library>=1; extra == 'odd'",
        "torch; python_version > '3' and extra == 'odd'",
        "ruff; extra == 'dev'",
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: needs)
    odd, ray = doctor._check_extras()
    assert (ray.verdict, ray.subject) == ("ok", "extra ray")
    assert ray.found.startswith("ray ")
    assert (odd.verdict, odd.found) == ("note", "not installed: no-such-library")
    assert odd.advice == "only where it is used: pip install 'dvtr-bench[odd]'"
