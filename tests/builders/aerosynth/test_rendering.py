import hashlib
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from builders.aerosynth import (
    FPS,
    HEIGHT_PX,
    NUM_FRAMES,
    WIDTH_PX,
    ClipPlan,
    ground_truth,
    render_clip,
    render_frames,
)
from builders.aerosynth.light import LIGHTS
from builders.aerosynth.palette import NAMED
from builders.aerosynth.stories import names

Frames = npt.NDArray[np.uint8]


def frames_of(plan: ClipPlan, **options: object) -> Frames:
    return np.stack(list(render_frames(plan, **options)))  # type: ignore[arg-type]


def one_of_each_story(plans: list[ClipPlan], split: str = "test") -> list[ClipPlan]:
    return [
        next(plan for plan in plans if plan.category == name and plan.split == split)
        for name in names()
    ]


def changed_box(with_it: Frames, without: Frames, least: int) -> tuple[npt.NDArray, npt.NDArray]:
    """The pixels that an object changes and the box around them."""
    mask = np.abs(with_it.astype(int) - without.astype(int)).max(axis=2) >= least
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return mask, np.zeros(4)
    return mask, np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=float)


def overlap(one: npt.NDArray, two: npt.NDArray) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])
    shared = np.prod(np.maximum(high - low, 0))
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(two[2:] - two[:2]) - shared))


@pytest.fixture(scope="module", params=names())
def sample(request: pytest.FixtureRequest, plans: list[ClipPlan]) -> tuple[ClipPlan, Frames]:
    plan = next(p for p in plans if p.category == request.param and p.split == "validation")
    return plan, frames_of(plan, traces=False)


def test_frames_have_the_declared_shape(sample: tuple[ClipPlan, Frames]) -> None:
    assert sample[1].shape == (NUM_FRAMES, HEIGHT_PX, WIDTH_PX, 3)
    assert sample[1].dtype == np.uint8


def test_boxes_match_the_pixels_that_an_object_changes(sample: tuple[ClipPlan, Frames]) -> None:
    plan, full = sample
    truth = ground_truth(plan)
    for index, one in enumerate(truth.objects):
        without = frames_of(plan, hidden={index}, traces=False)
        soft = one.kind == "smoke"
        for number in range(3, NUM_FRAMES, 7):
            seen, alone = full[number], without[number]
            mask, box = changed_box(seen, alone, least=14 if soft else 6)
            if one.visibility[number] == 0:
                assert not mask.any()
            elif one.visibility[number] > 0.5:
                enough = 0.65 if one.kind == "ball" else 0.72
                assert overlap(box, one.boxes[number]) > enough, (one, number, box)


def test_objects_have_their_colour(sample: tuple[ClipPlan, Frames]) -> None:
    """The median colour of the upper part of an object is nearest to the paint it is named for."""
    plan, full = sample
    gain = np.array(LIGHTS[plan.time_of_day].gain)
    for index, one in enumerate(ground_truth(plan).objects):
        if one.kind == "ball":
            continue
        without = frames_of(plan, hidden={index}, traces=False)
        number = int(np.argmax(one.visibility))
        mask, _ = changed_box(full[number], without[number], least=25)
        pixels = full[number][mask] / gain
        votes = {
            name: float((np.abs(pixels - paint).max(axis=1) < 62).mean())
            for name, paint in NAMED.items()
        }
        if one.kind == "smoke":
            assert one.colour in sorted(votes, key=lambda name: votes[name])[-2:], votes
        else:
            assert max(votes, key=lambda name: votes[name]) == one.colour, (plan.clip_id, votes)


def test_shadows_and_traces_are_drawn(plans: list[ClipPlan]) -> None:
    for plan in one_of_each_story(plans)[:3]:
        assert (frames_of(plan) != frames_of(plan, traces=False)).any()


def test_harvester_leaves_stubble(plans: list[ClipPlan]) -> None:
    plan = next(
        p
        for p in plans
        if dict(p.facts).get("helper") == "none"
        and p.camera.motion in ("hovers", "climbs", "descends")
        and dict(p.facts)["ending"] == "on"
    )
    cut, uncut = frames_of(plan)[-1], frames_of(plan, traces=False)[-1]
    x0, y0, x1, y1 = ground_truth(plan).objects[0].boxes[-1].astype(int)
    behind = slice(x1 + 4, x1 + 40)
    if dict(plan.facts)["direction"] == "right":
        behind = slice(x0 - 40, x0 - 4)
    rows = slice(y0 + 6, y1 - 6)
    assert cut[rows, behind].mean() > uncut[rows, behind].mean() + 10


def test_same_plan_same_bytes(plans: list[ClipPlan], tmp_path: Path) -> None:
    digests = set()
    for name in ("one.mp4", "two.mp4"):
        render_clip(plans[0], tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.mp4", "two.mp4"]


def test_mp4_decodes_to_the_frames_at_their_times(plans: list[ClipPlan], tmp_path: Path) -> None:
    plan = one_of_each_story(plans)[0]
    path = tmp_path / "clip.mp4"
    render_clip(plan, path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        decoded = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode()]
    assert [time for time, _ in decoded] == [number / FPS for number in range(NUM_FRAMES)]
    for (_, got), want in zip(decoded, render_frames(plan), strict=True):
        error = np.mean((got.astype(float) - want) ** 2)
        assert 10 * np.log10(255**2 / error) > 27


def test_neighbours_in_a_group_share_their_background(plans: list[ClipPlan]) -> None:
    first = next(plan for plan in plans if plan.contrast_attribute == "colour")
    second = next(
        plan for plan in plans if plan.contrast_group == first.contrast_group and plan is not first
    )
    empty = [
        frames_of(plan, hidden=range(len(plan.actors)), traces=False)[::10]
        for plan in (first, second)
    ]
    assert (empty[0] == empty[1]).all()
