"""Selection on test, and galleries that are not the dataset's, are refused."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.dataset.manifest import LicenceRecord, Manifest, SplitRecord
from dvtr_bench.dataset.split import matching_rows, require_validation, require_whole_split
from dvtr_bench.errors import NotFoundError, ProtocolError

VIDEOS, CAPTIONS = ("Boat_1 ", "Boat_1 1", "Car_2"), ("Boat_1 #0", "Boat_1 1#0", "Car_2#0")


@dataclass(frozen=True)
class Split:
    video_ids: tuple = VIDEOS
    caption_ids: tuple = CAPTIONS
    captions: tuple = CAPTIONS
    name: str = "test"
    dataset_name: str = "toy"
    manifest: object = None


def _manifest():
    record = SplitRecord(3, 3, ids_sha256(VIDEOS), ids_sha256(CAPTIONS), 100.0, ())
    return Manifest(
        1, "toy", "1.0.0", "f", "i", "Toy", "", "en", None, "", LicenceRecord("other", "", None),
        (), {"test": record}, None, (), {}, (), "dvtr-bench",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["test", "train"])
def test_a_model_is_not_chosen_on_another_split(name) -> None:
    require_validation(SimpleNamespace(name="validation", dataset_name="toy"))
    with pytest.raises(ProtocolError, match=f"never on {name}"):
        require_validation(SimpleNamespace(name=name, dataset_name="toy"))


def test_the_whole_split_passes() -> None:
    require_whole_split(Split(manifest=_manifest()))
    require_whole_split(Split())


def test_ids_are_found_in_any_order() -> None:
    assert matching_rows(Split(), "video", VIDEOS[::-1]).tolist() == [2, 1, 0]
    assert matching_rows(Split(), "caption", (*CAPTIONS[1:], CAPTIONS[0])).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"video_ids": VIDEOS[:2]},
        {"video_ids": tuple(video.strip() for video in VIDEOS)},
        {"caption_ids": CAPTIONS[::-1]},
    ],
)
def test_a_gallery_other_than_the_one_built_is_refused(change) -> None:
    with pytest.raises(ProtocolError, match="exactly as it was built"):
        require_whole_split(replace(Split(manifest=_manifest()), **change))


def test_nothing_to_search_is_said() -> None:
    with pytest.raises(NotFoundError, match="0 videos"):
        require_whole_split(replace(Split(), video_ids=()))


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        (("Boat_1", *VIDEOS[1:]), r"1 are missing, the first 'Boat_1 '; 1 are not in the split"),
        (VIDEOS[:2], "the 2 video ids are not the 3 of toy test: 1 are missing, the first 'Car_2'"),
        ((*VIDEOS, "Car_3"), "1 are not in the split, the first 'Car_3'"),
    ],
)
def test_scores_of_other_ids_are_refused(videos, message) -> None:
    with pytest.raises(ProtocolError, match=message):
        matching_rows(Split(), "video", videos)
