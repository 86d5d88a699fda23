"""A vehicle comes to a crossroads and turns, drives straight on or stops."""

import numpy as np

from builders.aerosynth.actors import LENGTHS, Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say
from builders.aerosynth.motion import Point, Track, cruise, halt
from builders.aerosynth.scenes.crossroads import LANE
from builders.aerosynth.stories import Facts

SCENES = ("crossroads",)
DOMAIN = {
    "kind": ("car", "van", "truck", "bus"),
    "colour": ("red", "blue", "green", "yellow", "orange", "white", "black"),
    "entry": ("left", "right", "top", "bottom"),
    "manoeuvre": ("straight", "left", "right", "stop"),
}
CONTRASTS = ("kind", "colour", "entry", "manoeuvre")
DIRECTIONS = ("entry",)
CENTRE: Point = (0.0, 0.0)
ZOOM = 0.92

HEADINGS: dict[str, Point] = {
    "left": (1.0, 0.0),
    "right": (-1.0, 0.0),
    "top": (0.0, 1.0),
    "bottom": (0.0, -1.0),
}
"""Heading of a vehicle by the side of the picture that it comes from."""

TOWARDS: dict[Point, str] = {
    (1.0, 0.0): "right",
    (-1.0, 0.0): "left",
    (0.0, 1.0): "bottom",
    (0.0, -1.0): "top",
}
"""Side of the picture to which a heading leads."""

DONE: dict[str, tuple[str, ...]] = {
    "straight": ("drives straight over the crossroads", "goes straight on at the crossroads"),
    "left": ("turns left at the crossroads", "makes a left turn at the crossroads"),
    "right": ("turns right at the crossroads", "makes a right turn at the crossroads"),
    "stop": ("stops at the crossroads", "comes to a stop at the crossroads"),
}


def exit_heading(entry: Point, manoeuvre: str) -> Point:
    """Return a vehicle's heading after the crossroads.

    Args:
        entry: Its heading before.
        manoeuvre: straight, left, right or stop.

    Returns:
        Its heading after.
    """
    x, y = entry
    if manoeuvre == "left":
        return y, -x
    if manoeuvre == "right":
        return -y, x
    return entry


def way(entry: Point, manoeuvre: str, reach: float) -> Track:
    """Return the path over the crossroads, with placeholder times.

    Args:
        entry: Heading before.
        manoeuvre: straight, left, right or stop.
        reach: Distance from the middle at which the path begins and ends.

    Returns:
        A track whose distance 0 is its beginning.
    """
    leave = exit_heading(entry, manoeuvre)
    # Traffic keeps to the right: the lane lies to the right of the heading.
    near, far = (-entry[1] * LANE, entry[0] * LANE), (-leave[1] * LANE, leave[0] * LANE)
    start = (near[0] - entry[0] * reach, near[1] - entry[1] * reach)
    end = (far[0] + leave[0] * reach, far[1] + leave[1] * reach)
    if entry == leave:
        return Track((start, end), 0.0, ((0.0, 0.0), (1.0, 0.0)))
    corner = (near[0] + far[0], near[1] + far[1])
    radius = 40.0 if manoeuvre == "left" else 26.0
    return Track((start, corner, end), radius, ((0.0, 0.0), (1.0, 0.0)))


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible."""
    del facts
    return True


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Place the vehicle before the crossroads."""
    entry = HEADINGS[facts["entry"]]
    manoeuvre = facts["manoeuvre"]
    reach = 104.0 if entry[0] else 92.0
    path = way(entry, manoeuvre, reach)
    if manoeuvre == "stop":
        stop = reach - 48.0 - LENGTHS[facts["kind"]] / 2
        keys = halt(float(rng.uniform(24, 30)), -24.0, stop)
    else:
        keys = cruise(float(rng.uniform(46, 54)))
    track = Track(path.corners, path.radius, keys)
    direction = TOWARDS[exit_heading(entry, manoeuvre)]
    return (Actor(facts["kind"], facts["colour"], track, manoeuvre, direction),)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = words.vaguely(
        (
            "a vehicle moves on the road",
            "there is traffic at a crossroads",
            "a vehicle at a crossroads",
        ),
        [0],
    )
    done = words.pick(*DONE[facts["manoeuvre"]])
    general = words.pick("kind", "colour", "manoeuvre")
    if general == "kind":
        broad = say(f"{noun(facts['kind'])} at the crossroads", [0], ["kind"])
    elif general == "colour":
        broad = say(f"{noun('vehicle', facts['colour'])} at the crossroads", [0], ["colour"])
    else:
        broad = say(f"a vehicle {done}", [0], ["manoeuvre"])
    who = say(noun(facts["kind"], facts["colour"]), [0], ["kind", "colour"])
    what = say(done, about=["manoeuvre"])
    return vague, broad, join(who, _origin(facts, words), what)


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    who = say(noun(facts["kind"], facts["colour"]), [0], ["kind", "colour"])
    what = say(words.pick(*DONE[facts["manoeuvre"]]), about=["manoeuvre"])
    if not words.sees_directions:
        return join(who, "drives among houses and then", what)
    side = facts["entry"]
    if words.pick("first", "and") == "first":
        first = say(f"comes from the {side}", about=["entry", "order"])
        return join("first", who, first, ", then it", what)
    arrives = say(f"arrives from the {side} and", about=["entry", "order"])
    return join(who, arrives, what)


def _origin(facts: Facts, words: Words) -> Phrase | str:
    """Describe where it comes from, if that can be seen."""
    if not words.sees_directions:
        return ""
    return say(f"coming from the {facts['entry']}", about=["entry"])
