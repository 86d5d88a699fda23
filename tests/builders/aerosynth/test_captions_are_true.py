"""What captions say, checked against tracks and cameras; the captions are read afresh here."""

import re

import numpy as np
import pytest

from builders.aerosynth import GroundTruth
from builders.aerosynth.camera import project
from tests.builders.aerosynth.reading import (
    KINDS,
    nouns,
    objects_of,
    onset,
    speeds,
    subject_at,
    turn,
    without_drone,
)

QUARTER = np.pi / 2


def said(truths: list[GroundTruth], pattern: str) -> list[tuple[GroundTruth, str, re.Match[str]]]:
    """All places where captions say something, at least ten of them."""
    found = []
    for truth in truths:
        for caption in truth.plan.captions:
            text = without_drone(caption)
            found += [(truth, text, match) for match in re.finditer(pattern, text)]
    assert len(found) >= 10, f"only {len(found)} captions match {pattern!r}"
    return found


def test_number_kind_and_colour_are_those_of_the_objects(truths: list[GroundTruth]) -> None:
    checked = 0
    for truth in truths:
        for caption in truth.plan.captions:
            for noun in nouns(without_drone(caption)):
                if noun.colour is None and noun.kind != "person":
                    assert objects_of(noun, truth), caption
                if noun.colour is None or truth.plan.category == "match":
                    continue
                found = objects_of(noun, truth)
                others = [one for one in found if one.action != found[0].action]
                assert len(found) - len(others) == (noun.number or 1), caption
                checked += 1
    assert checked > 300


def test_colours_of_vehicles_and_teams_are_in_the_clip(truths: list[GroundTruth]) -> None:
    for truth, text, match in said(truths, r"(\w+) (?:vehicle|one)\b|(?:player|team)s? in (\w+)"):
        colour = match[1] or match[2]
        if colour not in ("a", "another", "and"):
            assert colour in {one.colour for one in truth.objects}, text


@pytest.mark.parametrize("level", range(5))
def test_mentions_name_the_objects_that_the_words_name(
    truths: list[GroundTruth], level: int
) -> None:
    for truth in truths:
        text, mention = without_drone(truth.plan.captions[level]), truth.plan.mentions[level]
        kinds = {truth.objects[index].kind for index in mention.objects}
        for noun in nouns(text):
            if not re.search(r"nobody|parked cars", text):
                assert noun.kind in kinds, (text, mention)
        colours = {truth.objects[index].colour for index in mention.objects}
        for colour in re.findall(r"\b(?:red|blue|green|yellow|orange|white|black|grey)\b", text):
            assert colour in colours, (text, mention)


def test_moves_to_a_side(truths: list[GroundTruth]) -> None:
    pattern = r"(?<!first goes )\bto the (left|right)\b"
    for truth, text, match in said(truths, pattern):
        if "ball" in text or "drifts" in text[: match.start()].split(",")[-1]:
            continue
        changes = re.search(r"then (?:turns around|turns back|stops|halts|comes to a stop)", text)
        for one in subject_at(text, match.start(), truth):
            # Where it goes in the end, or, if it turns around or stops, where it goes at first.
            first, last = one.ground[[0, 8] if changes else [-12, -1]]
            middle = truth.plan.camera.projection(2.0)
            start, end = project(middle, np.array([[*first, 0.0], [*last, 0.0]]))
            moved = (end - start) * (1 if match[1] == "right" else -1)
            assert moved[0] > 5, text
            assert moved[0] > abs(moved[1]), text


def test_turns_around(truths: list[GroundTruth]) -> None:
    for truth, text, match in said(truths, r"turns around|turns back"):
        if re.match(r"a boat turns", text):
            one = truth.objects[0]
        else:
            (one,) = subject_at(text, match.start(), truth)
        assert abs(abs(turn(one)) - np.pi) < 0.35, text
        if side := re.search(r"to the (left|right)", text):
            sign = 1 if side[1] == "right" else -1
            assert np.diff(one.ground[:8, 0]).mean() * sign > 0, text
            assert np.diff(one.ground[-4:, 0]).mean() * sign < 0, text


def test_turns_left_or_right_as_its_driver_does(truths: list[GroundTruth]) -> None:
    pattern = r"\bturns (left|right)|makes a (left|right) turn"
    for truth, text, match in said(truths, pattern):
        way = match[1] or match[2]
        if re.search(r"\ba vehicle (turns|makes)", text):
            one = truth.objects[0]
        else:
            (one,) = subject_at(text, match.start(), truth)
        # y points down in the picture: a turn to the right makes the angle grow.
        assert abs(turn(one) - (QUARTER if way == "right" else -QUARTER)) < 0.25, text


def test_drives_straight(truths: list[GroundTruth]) -> None:
    pattern = r"(?:drives|goes) straight (?:on|over|through|along)"
    for truth, text, match in said(truths, pattern):
        if re.search(r"\ba vehicle (drives|goes)", text):
            one = truth.objects[0]
        else:
            (one,) = subject_at(text, match.start(), truth)
        assert abs(turn(one)) < 0.05, text
        assert np.hypot(*(one.ground[-1] - one.ground[0])) > 80, text


def test_comes_from_a_side(truths: list[GroundTruth]) -> None:
    pattern = r"(?:coming|comes|arrives) from the (left|right|top|bottom)"
    for truth, text, match in said(truths, pattern):
        (one,) = subject_at(text, match.start(), truth)
        axis = 0 if match[1] in ("left", "right") else 1
        sign = 1 if match[1] in ("right", "bottom") else -1
        assert one.ground[0, axis] * sign > 40, text
        assert np.diff(one.ground[:6, axis]).mean() * sign < 0, text
        assert truth.plan.camera.motion != "rotates", text


def test_stops(truths: list[GroundTruth]) -> None:
    pattern = r"then (?:stops|halts|comes to a stop)|(?:stops|comes to a stop) at the crossroads"
    for truth, text, match in said(truths, pattern):
        named = nouns(text[: match.start()])
        objects = (
            subject_at(text, match.start(), truth)
            if named and named[-1].colour
            else [truth.objects[0]]
        )
        for one in objects:
            assert speeds(one)[0] > 1, text
            assert speeds(one)[-2:].max() < 0.1, text


def test_order_of_two_objects(truths: list[GroundTruth]) -> None:
    checked = 0
    for truth in truths:
        if not truth.plan.category.endswith("_order"):
            continue
        for caption in truth.plan.captions[2:]:
            text = without_drone(caption)
            named = [noun for noun in nouns(text) if noun.colour]
            assert len(named) == 2, text
            assert re.search(r"\bfirst\b.*, then\b|\bbefore\b|\bafter\b.*,", text), text
            (one,), (two,) = (objects_of(noun, truth) for noun in named)
            assert onset(one) <= 2, text
            # The first has done what it does by the time the second sets off.
            assert speeds(one)[: onset(two)].sum() > 70, text
            checked += 1
    assert checked > 30


def test_overtakes_or_follows(truths: list[GroundTruth]) -> None:
    pattern = r"overtakes|drives past (?=a)|passes it|follows|stays behind"
    for truth, text, match in said(truths, pattern):
        if truth.plan.category != "overtake":
            continue
        fast, slow = truth.objects
        gap = (fast.ground[:, 0] - slow.ground[:, 0]) * np.cos(slow.headings)
        assert gap[0] < -20, text
        if match[0] in ("follows", "stays behind"):
            assert gap.max() < -20, text
        else:
            assert gap[-1] > 20, text


def test_meets_another_one(truths: list[GroundTruth]) -> None:
    for truth, text, match in said(truths, r"(?:meet|passe?)s? an? \w+ \w+ going the other way"):
        (other,) = objects_of(nouns(text[match.start() :])[0], truth)
        for one in truth.objects:
            if one is not other:
                assert (one.ground[-1, 0] - one.ground[0, 0]) * (
                    other.ground[-1, 0] - other.ground[0, 0]
                ) < 0, text
                gap = one.ground[:, 0] - other.ground[:, 0]
                assert gap[0] * gap[-1] < 0, text


def test_car_park(truths: list[GroundTruth]) -> None:
    for truth, text, match in said(truths, r"the (top|bottom) row"):
        row = truth.objects[0].ground[-1 if "parks" in text else 0, 1]
        assert (row < -40) == (match[1] == "top"), text
    for truth, text, match in said(truths, r"\bparks\b"):
        if truth.plan.category == "parking":
            one = truth.objects[0]
        elif named := [noun for noun in nouns(text[: match.start()]) if noun.colour]:
            (one,) = objects_of(named[-1], truth)
        else:
            continue
        assert speeds(one)[-2:].max() < 0.1, text
        assert abs(one.ground[-1, 1]) > 50, text


def test_walking_and_running(truths: list[GroundTruth]) -> None:
    for truth, text, match in said(truths, r"\b(walk|run)s?\b(?! with)"):
        if truth.plan.category in ("match", "street"):
            continue
        people = [one for one in truth.objects if one.kind == "person"]
        fastest = max(float(speeds(one).max()) for one in people) * 8
        assert (fastest > 35) == (match[1] == "run"), text


def test_football(truths: list[GroundTruth]) -> None:
    for truth, text, match in said(truths, r"(?:into the (left|right) goal)|passes the ball"):
        ball = truth.objects[-1]
        assert ball.kind == "ball"
        if match[1]:
            assert abs(ball.ground[-1, 0]) > 104, text
            assert (ball.ground[-1, 0] > 0) == (match[1] == "right"), text
        elif "goal" not in text:
            gaps = [np.hypot(*(one.ground - ball.ground).T) for one in truth.objects[:2]]
            assert gaps[0][0] < 16, text
            assert gaps[1][-1] < 16, text
            assert gaps[0][-1] > 40, text


def test_smoke_drifts(truths: list[GroundTruth]) -> None:
    for truth, text, match in said(
        truths, r"smoke rises from [\w ]+ and drifts to the (left|right)"
    ):
        smoke = truth.objects[0]
        source = project(truth.plan.camera.projection(2.0), np.array([[*smoke.ground[0], 0.0]]))
        middle = smoke.boxes[16, [0, 2]].mean()
        assert (middle > source[0, 0]) == (match[1] == "right"), text


def test_camera_does_what_is_said(truths: list[GroundTruth]) -> None:
    seen = set()
    for truth in truths:
        camera = truth.plan.camera
        told = re.search(r"the drone ([a-z ]+)$", truth.plan.captions[4])
        assert told is not None
        seen.add(told[1])
        centre, beside = np.array([*camera.centre, 0.0]), np.array([*camera.centre, 0.0])
        beside[0] += 10
        first, last = (
            project(camera.projection(time), np.stack([centre, beside])) for time in (0.0, 3.875)
        )
        arm_first, arm_last = first[1] - first[0], last[1] - last[0]
        growth = np.hypot(*arm_last) / np.hypot(*arm_first)
        yaw = np.degrees(np.arctan2(arm_last[1], arm_last[0]) - np.arctan2(*arm_first[::-1]))
        shift = last[0, 0] - first[0, 0]
        assert (growth < 0.8) == (told[1] == "climbs"), told[0]
        assert (growth > 1.2) == (told[1] == "descends"), told[0]
        assert (abs(yaw) > 40) == (told[1] == "rotates"), told[0]
        # The ground moves against the camera.
        assert (shift > 30) == (told[1] == "pans left"), told[0]
        assert (shift < -30) == (told[1] == "pans right"), told[0]
    assert len(seen) == 6


def test_a_rotating_camera_hides_sides_of_the_picture(truths: list[GroundTruth]) -> None:
    for truth in truths:
        if truth.plan.camera.motion == "rotates":
            for caption in truth.plan.captions:
                assert not re.search(r"(?:to|from) the (?:left|right|top|bottom)\b", caption)
                assert not re.search(r"(?:left|right) goal|(?:top|bottom) row", caption)


def test_mentioned_objects_can_be_seen(truths: list[GroundTruth]) -> None:
    """In the middle square that CLIP's preprocessing keeps, at stored frames, for long enough."""
    stored = np.round((np.arange(12) + 0.5) / 12 * 32 - 0.5).astype(int)
    for truth in truths:
        mentioned = {index for mention in truth.plan.mentions for index in mention.objects}
        inside = []
        for index in mentioned:
            one = truth.objects[index]
            middle = one.boxes[stored][:, [0, 2]].mean(axis=1)
            inside.append((one.visibility[stored] > 0.6) & (abs(middle - 144) < 112))
            assert inside[-1].sum() >= 3, (truth.plan.clip_id, one.kind, inside[-1])
        assert np.all(inside, axis=0).any() or truth.plan.category.endswith("_order"), (
            truth.plan.clip_id
        )


def test_objects_are_large_enough_to_learn(truths: list[GroundTruth]) -> None:
    lengths: dict[str, list[float]] = {kind: [] for kind in set(KINDS.values())}
    for truth in truths:
        for one in truth.objects:
            whole = one.visibility > 0.99
            if one.kind in lengths and whole.any():
                size = one.boxes[whole][:, 2:] - one.boxes[whole][:, :2]
                lengths[one.kind].append(float(np.median(size.max(axis=1))))
    for kind, found in lengths.items():
        assert found, kind
        assert np.median(found) > 17, (kind, np.median(found))
