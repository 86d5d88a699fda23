"""Ceilings and chance: the facts of the real annotation files, and counting by hand."""

import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.errors import InputError
from dvtr_bench.ranking.ceilings import chance, identical_caption_ceiling, shared_text

ANNOTATIONS = Path(__file__).parents[3].parent / "shared" / "annotations"


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module, name) -> None:
        raise pickle.UnpicklingError(f"{module}.{name}")


def _test_captions(dataset):
    if dataset == "capera":
        entries = json.loads((ANNOTATIONS / "capera/CapERA_DATASET_test.json").read_text("utf-8"))
        return [entry["annotation"]["English_caption"] for entry in entries["ERA_caption"]]
    with (ANNOTATIONS / dataset / "raw-captions.pkl").open("rb") as file:
        words = _PlainUnpickler(file).load()
    ids = (ANNOTATIONS / dataset / "test_list.txt").read_text("utf-8").split("\n")
    return [[" ".join(caption) for caption in words[video]] for video in ids if video]


@pytest.mark.skipif(not ANNOTATIONS.is_dir(), reason="the annotation files are not here")
@pytest.mark.parametrize(
    ("dataset", "captions", "shared_percent", "ceiling"),
    [
        ("usrd", 1480, 21.9, 85.24),
        ("umcrd", 4275, 0.5, 99.73),
        ("capera", 6955, 44.8, 69.25),
    ],
)
def test_the_published_annotations_have_the_known_ceilings(
    dataset, captions, shared_percent, ceiling
) -> None:
    videos = _test_captions(dataset)
    own = np.repeat(np.arange(len(videos)), [len(video) for video in videos])
    shared = shared_text(list(itertools.chain(*videos)), own)
    assert shared.captions == captions
    assert shared.shared_percent == pytest.approx(shared_percent, abs=0.05)
    assert shared.ceiling == pytest.approx(ceiling, abs=0.005)


def test_a_text_that_one_video_repeats_costs_nothing() -> None:
    assert identical_caption_ceiling(["a lake", "A lake "], np.array([0, 0])) == 100.0


def test_the_ceiling_is_reached_by_guessing_among_the_videos_of_a_text() -> None:
    captions = ["a", "b", "A", "a ", "c"]
    own = np.array([0, 0, 1, 2, 2])
    # Three videos share "a": 1/3 each; "b" and "c" stand for one.
    shared = shared_text(captions, own)
    assert shared.ceiling == pytest.approx(100 * (3 * (1 / 3) + 2) / 5)
    assert shared.shared_captions == 3


@pytest.mark.parametrize(("size", "k", "relevant"), [(6, 1, 1), (6, 5, 1), (6, 2, 3), (6, 5, 2)])
def test_chance_is_the_share_of_all_orders(size, k, relevant) -> None:
    hits = [min(order) < k for order in itertools.permutations(range(size), relevant)]
    assert chance(size, k, relevant) == pytest.approx(100 * np.mean(hits))


@pytest.mark.parametrize(("size", "k", "relevant"), [(5, 10, 1), (5, 0, 1), (5, 1, 6)])
def test_chance_beyond_the_gallery_is_refused(size, k, relevant) -> None:
    with pytest.raises(InputError, match="gallery"):
        chance(size, k, relevant)


def test_captions_without_indices_are_refused() -> None:
    with pytest.raises(InputError, match="2 captions with 1 video indices"):
        shared_text(["a", "b"], np.array([0]))
