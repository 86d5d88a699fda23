"""`dvtr-bench info`: a built dataset, one that is not built, and every one that can be built."""

import json
from pathlib import Path

import pytest

from builders.build import build
from builders.engine.settings import BuildSettings
from builders.info import print_info
from dvtr_bench.catalog import DATASETS
from dvtr_bench.errors import NotFoundError
from tests.builders.forging import build_toy, edit_manifest
from tests.builders.published_forms import write_msvd
from tests.builders.tiny_clips import TinyClips


def told(capsys: pytest.CaptureFixture[str], name: str, root: Path) -> str:
    capsys.readouterr()
    print_info(name, root)
    return capsys.readouterr().out


def test_a_built_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = build_toy(tmp_path)
    edit_manifest(built.folder, lambda manifest: manifest.update(left_out={"broken clips": 3}))
    text = told(capsys, "toy", tmp_path / "dvtr")
    manifest = built.manifest
    for line in (
        "toy 1.0.0: toy",
        f"folder       {built.folder}",
        f"fingerprint  {manifest.fingerprint}",
        "frames       72, uniform:12, short side 224 px, jpeg:94:4:4:4, ",
        " in 9 Parquet files (default ",
        "columns      licence (beside those that every dataset has)",
        "- broken clips: 3",
        "- The splits are those that the table or its folders state.",
        "of the user's own; SHA-256",
    ):
        assert line in text
    (test,) = (line.split() for line in text.splitlines() if line.startswith(" test "))
    assert test[:4] == ["test", "3", "6", "66.67"]
    assert text == told(capsys, str(built.folder), tmp_path)


def test_published_sources_and_flaws(
    tmp_path: Path, tiny_clips: TinyClips, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_msvd(tmp_path / "msvd", (1, 1, 1))
    settings = BuildSettings(root=tmp_path, frames=None, name="mine", workers=0, progress=False)
    built = build("msvd", {"annotations": folder}, settings).dataset
    text = told(capsys, "mine", tmp_path)
    assert "- raw-captions.pkl: no published checksum is known; SHA-256" in text
    assert "- Ids that differ in their times alone are parts of one YouTube video" in text
    assert "frames       none (annotations only)" in text
    assert "@inproceedings{chen2011collecting," in text
    edit_manifest(
        built.folder,
        lambda manifest: [source.update(is_published_file=False) for source in manifest["sources"]],
    )
    (built.folder / "README.md").write_text("# Edited\n")
    text = told(capsys, "mine", tmp_path)
    assert "- raw-captions.pkl: NOT the published file;" in text
    assert f"- see {built.folder / 'README.md'}" in text
    (built.folder / "build-report.json").write_text(json.dumps({"captions": 1}))
    assert "known flaws" in told(capsys, "mine", tmp_path)


@pytest.mark.parametrize("name", DATASETS.names())
def test_what_is_not_built(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    module = DATASETS.load(name)
    text = told(capsys, name, tmp_path)
    assert f"not built under {tmp_path}" in text
    assert f"build it: dvtr-bench build {name}" in text
    for file in module.INFO.files.values():
        assert file.url in text
    joined = " ".join(text.split())
    for line in (*module.INFO.flaws, module.INFO.licence.statement, module.INFO.clips_from):
        assert line in joined
    for _, (videos, _) in module.INFO.expected.items():
        assert f"{videos:,} videos" in text


def test_variants_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_toy(tmp_path, name="aerosynth-mine", frames=None)
    text = told(capsys, "aerosynth", tmp_path / "dvtr")
    assert "- aerosynth-mine: dvtr-bench info aerosynth-mine" in text
    assert "- --size: how many clips: tiny, small, full or large (default small)" in text


def test_neither(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no dataset 'usrf' is built"):
        print_info("usrf", tmp_path)
