"""What can be named as a model: the listing, on the command line and as JSON, imports nothing."""

import json
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.catalog import ADAPTERS, Catalog
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.entry import model_entry
from dvtr_bench.models.listing import list_sources, settings_of_source
from dvtr_bench.runtime.packages import Entry


def told(*words: str) -> str:
    ended = CliRunner().invoke(make_app(), words, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_sources_are_listed_with_names_and_what_they_need() -> None:
    listed = told("models")
    assert "Models from elsewhere: dvtr-bench evaluate --model SOURCE:NAME" in listed
    for source in list_sources():
        assert f"\n{source.name} " in listed
        assert ", ".join(source.examples) in listed
    document = json.loads(told("models", "--json"))
    assert {source["name"] for source in document["sources"]} == set(ADAPTERS.names())
    assert document["models"][0]["name"] == "clip4clip_meanp"


def test_a_library_that_is_missing_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    (source,) = (one for one in list_sources() if one.name == "st")
    assert source.missing == ("sentence_transformers",)
    assert source.advice == "pip install 'dvtr-bench[st]'"
    assert "pairwise  not installed: pip install 'dvtr-bench[st]'" in told("models")


@pytest.mark.parametrize("name", ["hf", "HF", "hf:org/name"])
def test_the_settings_of_a_source_are_shown_before_a_model_is_there(name: str) -> None:
    shown = told("models", name)
    assert "Names: hf:google/" in shown
    key = "hf:org/name" if ":" in name else "hf:NAME"
    assert f"Settings: dvtr-bench evaluate --model {key} --set NAME=VALUE" in shown
    assert "prompt  text | none  [default: none]" in shown
    document = json.loads(told("models", name, "--json"))
    assert document["name"] == key
    assert {one["name"] for one in document["settings"]} >= {"dtype", "max_frames", "prompt"}
    assert "hf:FOLDER" in document["examples"]


def test_a_source_is_no_model() -> None:
    with pytest.raises(ConfigError, match="'hf' names no model: write what comes after the colon"):
        model_entry("hf")


def test_a_source_that_says_nothing_is_listed_with_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "pack_sources"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('a listing imports nothing')\n")
    (package / "mute.py").write_text('"""Mute."""\nSCORING = "pairwise"\n')
    (package / "own.py").write_text(
        '"""Own."""\nSCORING = "pairwise"\nEXAMPLES = ("own:a",)\nNEEDS = ("no_such_library",)\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    listed = {name: Entry(name, f"pack_sources.{name}") for name in ("mute", "own")}
    monkeypatch.setattr(Catalog, "_listed", lambda _: (listed, []))
    mute, own = list_sources()
    assert mute.problem.startswith("pack_sources/mute.py lacks EXAMPLES: write names that it takes")
    assert (own.missing, own.advice) == (("no_such_library",), "pip install no_such_library")


@pytest.mark.parametrize("name", ADAPTERS.names())
def test_settings_of_a_source_are_read_without_importing_it(name: str) -> None:
    config = model_entry(f"{name}:NAME").config_class
    assert settings_of_source(f"{name}:NAME") == {field.name for field in fields(config)}


def test_models_with_a_file_of_their_own_are_of_no_source() -> None:
    assert settings_of_source("msam") is None
    assert settings_of_source("unknown:NAME") is None
