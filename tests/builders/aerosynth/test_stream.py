"""Frames that are streamed into a training: never of a released clip, the same every time."""

import numpy as np
import pytest

from builders.aerosynth import ClipPlan, render_frames
from builders.aerosynth.plan import released_signatures, signature, stream_group
from builders.aerosynth.stories import names
from builders.aerosynth.stream import GROUPS_A_STORY, stream_shard

GROUPS = 600


@pytest.fixture(scope="module")
def released(plans: list[ClipPlan], full_plans: list[ClipPlan]) -> set[tuple[str, ...]]:
    """Worked out from the plans alone, not by the function that the stream leaves clips out by."""
    found = {signature(plan) for plan in (*plans, *full_plans)}
    assert len(found) == len({(p.category, p.variant, p.facts) for p in (*plans, *full_plans)})
    return found


def test_no_clip_of_a_released_size_is_in_the_stream(released: set[tuple[str, ...]]) -> None:
    assert released_signatures() == released
    streamed = [signature(plan) for number in range(GROUPS) for plan in stream_group(number)]
    assert len(streamed) > 2 * GROUPS
    assert not released & set(streamed)


def test_without_leaving_them_out_there_would_be_some(
    released: set[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builders.aerosynth.plan.released_signatures", frozenset)
    streamed = (signature(plan) for number in range(GROUPS) for plan in stream_group(number))
    assert any(one in released for one in streamed)


def test_a_shard_is_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = len(names())
    assert GROUPS_A_STORY > 1
    monkeypatch.setattr("builders.aerosynth.stream.GROUPS_A_STORY", 1)
    first = list(stream_shard(5, seed=1, frames_a_clip=1))
    again = list(stream_shard(5, seed=1, frames_a_clip=1))
    assert [one.clip for one in first] == [one.clip for one in again]
    assert all(np.array_equal(a.frame, b.frame) for a, b in zip(first, again, strict=True))
    assert len({one.clip.rpartition("-")[0] for one in first}) == groups
    assert all(len(one.captions) == 5 for one in first)


def test_other_seeds_and_shards_have_other_clips() -> None:
    def facts(number: int, seed: int) -> list[tuple[str, ...]]:
        return [signature(plan) for plan in stream_group(number, seed)]

    assert facts(0, 0) != facts(0, 1)
    assert facts(0, 0) != facts(13, 0)


def test_single_frames_are_those_of_the_whole_clip(plans: list[ClipPlan]) -> None:
    """But for crops that fall in one stroke up to the first frame: theirs differ by little."""
    of_each_story = {plan.category: plan for plan in plans[:60]}
    assert len(of_each_story) == len(names())
    for plan in of_each_story.values():
        whole = list(render_frames(plan))
        some = list(render_frames(plan, numbers=(3, 17)))
        for frame, number in zip(some, (3, 17), strict=True):
            difference = np.abs(frame.astype(int) - whole[number].astype(int))
            if plan.category == "harvest":
                assert difference.mean() < 0.5
            else:
                assert difference.max() == 0
