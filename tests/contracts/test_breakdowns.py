"""What every file of dvtr_bench/evaluation/breakdowns must keep to."""

import numpy as np
import pytest

from dvtr_bench.catalog import BREAKDOWNS
from dvtr_bench.evaluation.facts import split_groups
from dvtr_bench.ranking.rank_table import Groups
from tests.fixtures.grouped_split import GroupedSplit


def _row(colour):
    return {
        "facts": [{"name": "colour", "value": colour}],
        "caption_mentions": [{"attributes": []}, {"attributes": ["colour"]}],
    }


@pytest.fixture
def split():
    """A split on which every axis has something to say; the last video has no captions."""
    return GroupedSplit(
        texts=[["a boat", "a red boat"], ["a boat", "a blue boat"], ["", "a red boat"], []],
        categories=("boats", None, "boats", "roads"),
        levels=[[0, 255], [7], [9, 9], [10, 12]],
        columns=[_row("red"), _row("blue"), _row("red"), _row("red")],
    )


@pytest.fixture(params=BREAKDOWNS.names())
def axis(request):
    return BREAKDOWNS.load(request.param)


def test_it_says_what_it_sorts(axis, split) -> None:
    groups = axis.groups(split, show_progress=False)
    assert groups.title
    assert groups.unit in ("caption", "video")


def test_every_caption_or_video_has_a_group(axis, split) -> None:
    groups = axis.groups(split, show_progress=False)
    assert isinstance(groups, Groups)
    expected = split.captions if groups.unit == "caption" else split.video_ids
    assert len(groups.codes) == len(expected)
    assert all(groups.names)


def test_it_is_the_same_every_time(axis, split) -> None:
    first, second = (axis.groups(split, show_progress=False) for _ in range(2))
    assert first.names == second.names
    assert np.array_equal(first.codes, second.codes)


def test_it_can_be_asked_about_a_split_with_nothing_but_captions(axis) -> None:
    groups = axis.groups(GroupedSplit([["a boat"], ["a road"]]), show_progress=False)
    assert groups is None or len(groups.codes) == 2


def test_no_two_axes_have_the_same_title(split) -> None:
    titles = [
        module.groups(split, show_progress=False).title for module in BREAKDOWNS.load_all().values()
    ]
    assert len(titles) == len(set(titles))


def test_a_split_is_sorted_along_every_axis_that_fits_it(split) -> None:
    assert list(split_groups(split, show_progress=False)) == BREAKDOWNS.names()
    bare = GroupedSplit([["a boat"], ["a road"]])
    assert list(split_groups(bare, show_progress=False)) == ["caption_length", "shared_text"]
