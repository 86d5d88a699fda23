"""The audit of the real annotation files gives every figure of docs/reference/datasets.md."""

import pytest

from builders.build import build
from builders.checks.audit.run import Audit, run_audit
from builders.checks.audit.subject import NO_FRAMES, Subject, subject_of
from builders.engine.settings import BuildSettings
from tests.builders.datasets.test_published_facts import UMCRD_CLASSES
from tests.builders.tiny_clips import ANNOTATIONS


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    if not ANNOTATIONS.is_dir():
        pytest.skip(f"the real annotation files are not in {ANNOTATIONS}")
    root = tmp_path_factory.mktemp("audit")
    settings = BuildSettings(root=root, frames=None, workers=0, progress=False)
    return {
        name: subject_of(build(name, {"annotations": ANNOTATIONS / name}, settings).dataset)
        for name in ("usrd", "umcrd", "capera")
    }


@pytest.fixture(scope="module")
def audits(subjects: dict[str, Subject]) -> dict[str, Audit]:
    return {name: run_audit(one, show_progress=False) for name, one in subjects.items()}


@pytest.mark.parametrize(
    ("name", "videos", "shared", "ceiling", "in_train", "over_30", "repeat_own"),
    [
        ("usrd", (1995, 573, 296), 21.9, 85.24, 31.7, 5, 261),
        ("umcrd", (2531, 849, 855), 0.5, 99.73, 1.5, 681, 268),
        ("capera", (1473, 1391), 44.8, 69.25, 11.8, 7, 60),
    ],
)
def test_the_table_of_figures(
    audits: dict[str, Audit],
    name: str,
    videos: tuple[int, ...],
    shared: float,
    ceiling: float,
    in_train: float,
    over_30: int,
    repeat_own: int,
) -> None:
    audit = audits[name]
    assert tuple(audit.dataset.videos.values()) == videos
    assert tuple(audit.dataset.captions.values()) == tuple(5 * count for count in videos)
    captions = audit.findings["identical_captions"]
    test = captions.within[-1]
    assert test.split == "test"
    assert round(test.shared_percent, 1) == shared
    assert round(test.t2v_ceilings["R@1"], 2) == ceiling
    (crossing,) = [
        one for one in captions.across if (one.of_split, one.in_split) == ("test", "train")
    ]
    assert round(crossing.verbatim_percent, 1) == in_train
    assert sum(one.over_30_words for one in audit.findings["caption_length"].splits) == over_30
    assert sum(one.videos_repeating_a_caption for one in captions.within) == repeat_own


def test_oddities(audits: dict[str, Audit]) -> None:
    def found(name: str) -> dict[str, tuple[int, tuple[str, ...]]]:
        record = audits[name].findings["odd_captions"]
        return {one.what: (one.num_captions, one.captions) for one in record.oddities}

    assert found("umcrd")["no words"] == (1, ("train: Video_291#2",))
    assert found("usrd")["ends in U+3002 IDEOGRAPHIC FULL STOP"][0] == 3
    assert "no words" not in found("usrd")


def test_classes(audits: dict[str, Audit]) -> None:
    umcrd = audits["umcrd"].findings["class_balance"]
    told = ", ".join(f"{one.category} {one.num_videos}" for one in umcrd.classes)
    assert told == UMCRD_CLASSES
    assert sum(umcrd.without_class.values()) == 1863
    assert len(audits["usrd"].findings["class_balance"].classes) == 25


def test_usrd_and_capera_share_their_clips(subjects: dict[str, Subject]) -> None:
    audit = run_audit(subjects["usrd"], subjects["capera"], show_progress=False)
    record = audit.findings["shared_clips"]
    assert len(record.clips) == 2864
    held = {(one.of_split, one.in_split): (one.shared, one.num_videos) for one in record.overlaps}
    assert held["usrd test", "capera train"] == (141, 296)
    assert held["usrd test", "capera test"] == (155, 296)
    assert held["capera train", "usrd test"] == (141, 1473)
    assert (
        sum(held["capera train", f"usrd {split}"][0] for split in subjects["usrd"].splits) == 1473
    )
    assert sum(held["capera test", f"usrd {split}"][0] for split in subjects["usrd"].splits) == 1391
    ends = {(one.first_id, one.second_id) for one in record.clips}
    assert ("Baseball_008 1", "Tra_Baseball_008") in ends
    assert ("Baseball_010 ", "Test_Baseball_010") in ends


def test_what_frames_alone_could_tell_is_said_to_be_missing(audits: dict[str, Audit]) -> None:
    for audit in audits.values():
        assert not audit.dataset.has_frames
        for name in ("near_duplicates", "frame_similarity", "shared_clips"):
            assert audit.not_measured[name].startswith(NO_FRAMES)


def test_unrelated_datasets_share_nothing(subjects: dict[str, Subject]) -> None:
    audit = run_audit(subjects["umcrd"], subjects["usrd"], show_progress=False)
    record = audit.findings["shared_clips"]
    assert record.clips == ()
    assert any("letter for letter" in note for note in record.notes)
