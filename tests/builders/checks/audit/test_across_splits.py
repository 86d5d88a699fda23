"""A build names clips of different splits that look alike, once and in every place."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builders.build import build, build_source
from builders.checks.audit import frame_search, subject
from builders.checks.verify.verify import verify_dataset
from builders.datasets import aerosynth, folder
from builders.documents.report import BuildReport
from builders.engine.settings import BuildSettings
from builders.summary import print_summary
from dvtr_bench.dataset.manifest import REPORT_NAME
from dvtr_bench.reading.json_records import from_json
from tests.builders.checks.audit.made_up import flight
from tests.fixtures.film import film

SPLITS = {"a": "train", "b": "train", "c": "test", "d": "test", "e": "validation"}
SHOWS = {"a": 0, "b": 1, "c": 0, "d": 2, "e": 3}
"""Clips a and c show one landscape."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("flights")
    (folder / "clips").mkdir()
    rows = ["file_name,caption,split"]
    for name, split in SPLITS.items():
        crf = 20 if name != "c" else 35
        film(folder / "clips" / f"{name}.mp4", flight(SHOWS[name], frames=12), crf=crf)
        rows.append(f"{name}.mp4,clip {name} from above,{split}")
    (folder / "captions.csv").write_text("\n".join(rows), encoding="utf-8")
    return {"clips": folder / "clips", "captions": folder / "captions.csv"}


def settings(root: Path, **given: object) -> BuildSettings:
    return BuildSettings(root=root, name="mine", workers=0, progress=False, **given)


def test_it_stands_in_report_card_and_output(
    inputs: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = build("folder", inputs, settings(tmp_path))
    text = (built.dataset.folder / REPORT_NAME).read_text(encoding="utf-8")
    report = from_json(BuildReport, text, REPORT_NAME)
    assert report == built.report
    found = report.near_duplicates
    assert found is not None
    (overlap,) = found.splits
    assert (overlap.first_split, overlap.second_split, overlap.pairs) == ("train", "test", 1)
    assert (overlap.first_clips, overlap.second_clips) == (1, 1)
    (pair,) = found.pairs
    assert (pair.first_id, pair.second_id, pair.mirrored) == ("a", "c", False)
    assert pair.common_frames >= found.min_frames
    card = (built.dataset.folder / "README.md").read_text(encoding="utf-8")
    assert "Clips that look alike across splits, train and test: 1 pair, of 1 and 1 clip" in card
    print_summary(built)
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 pair of clips of train and test looks alike, such as 'a' and 'c'" in printed
    assert "draws them" in printed
    assert verify_dataset(built.dataset, progress=False).findings == ()


def test_a_build_that_was_stopped_decodes_no_frame_again(
    inputs: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("builders.build.write_texts", stop)
        with pytest.raises(KeyboardInterrupt):
            build("folder", inputs, settings(tmp_path))
    monkeypatch.setattr(subject, "_look_at_row", stop)
    monkeypatch.setattr(frame_search, "_search_block", stop)
    report = build("folder", inputs, settings(tmp_path)).report
    found = report.near_duplicates if report else None
    assert found is not None
    assert [(pair.first_id, pair.second_id) for pair in found.pairs] == [("a", "c")]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_it_can_be_switched_off(inputs: dict[str, object], tmp_path: Path) -> None:
    built = build("folder", inputs, settings(tmp_path, near_duplicates=False))
    assert built.report is not None
    assert built.report.near_duplicates is None
    assert "near_duplicates" not in json.loads(
        (built.dataset.folder / REPORT_NAME).read_text(encoding="utf-8")
    )


def test_nothing_is_looked_for_without_frames(inputs: dict[str, object], tmp_path: Path) -> None:
    built = build("folder", {"captions": inputs["captions"]}, settings(tmp_path, frames=None))
    assert built.report is not None
    assert built.report.near_duplicates is None


def test_a_dataset_whose_clips_are_alike_by_design_is_not_searched(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    options = folder.Options(name="mine", clips=inputs["clips"], captions=inputs["captions"])
    source = folder.read(options)
    assert source.seeks_near_duplicates
    built = build_source(replace(source, seeks_near_duplicates=False), settings(tmp_path))
    assert built.report is not None
    assert built.report.near_duplicates is None
    assert not aerosynth.read(aerosynth.Options(size="tiny")).seeks_near_duplicates
