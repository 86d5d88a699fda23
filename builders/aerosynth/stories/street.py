"""A vehicle in a street with houses drives on, or turns into or out of the side street."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.scenes.settlement import LANE, STREET_Y
from builders.aerosynth.stories import Facts

SCENES = ("settlement",)
DOMAIN = {
    "kind": ("car", "van", "truck", "bus"),
    "colour": ("red", "blue", "green", "yellow", "orange", "white", "black"),
    "route": ("left-on", "right-on", "left-in", "right-in", "out-left", "out-right"),
    "walker": ("none", "none", "none", "red", "blue", "yellow", "white"),
}
CONTRASTS = ("kind", "colour", "route", "walker")
DIRECTIONS: tuple[str, ...] = ("route",)
CENTRE: Point = (0.0, 2.0)
ZOOM = 0.96

ACTIONS: dict[str, str] = {
    "left-on": "straight",
    "right-on": "straight",
    "left-in": "left",
    "right-in": "right",
    "out-left": "right",
    "out-right": "left",
}
"""Turn of a vehicle on each route; the first word is the side from which it comes."""


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible."""
    del facts
    return True


def _corners(route: str) -> tuple[Point, ...]:
    """Return the way through the streets; traffic keeps to the right."""
    rightwards, leftwards = STREET_Y + LANE, STREET_Y - LANE
    far = 300.0
    return {
        "left-on": ((-far, rightwards), (far, rightwards)),
        "right-on": ((far, leftwards), (-far, leftwards)),
        "left-in": ((-far, rightwards), (LANE, rightwards), (LANE, -far)),
        "right-in": ((far, leftwards), (LANE, leftwards), (LANE, -far)),
        "out-left": ((-LANE, -far), (-LANE, leftwards), (-far, leftwards)),
        "out-right": ((-LANE, -far), (-LANE, rightwards), (far, rightwards)),
    }[route]


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Place the vehicle in the street and the walker on the pavement."""
    corners, speed = _corners(facts["route"]), float(rng.uniform(43, 49))
    begin = 300.0 - 88.0
    if facts["route"].startswith("out"):
        begin = 300.0 - 74.0
    ends = {"on": facts["route"].partition("-")[0], "in": "side"}
    tail = facts["route"].rpartition("-")[2]
    direction = (
        {"left": "right", "right": "left", "side": "top"}[ends[tail]] if tail in ends else (tail)
    )
    track = Track(corners, 24.0, cruise(speed, begin))
    cast = [Actor(facts["kind"], facts["colour"], track, ACTIONS[facts["route"]], direction)]
    if facts["walker"] != "none":
        sign = 1.0 if rng.random() < 0.5 else -1.0
        y = STREET_Y + 24.0
        path = Track(((-300.0 * sign, y), (300.0 * sign, y)), 0.0, cruise(15.0, 300.0 - 30.0))
        cast.append(Actor("person", facts["walker"], path, "walk", "right" if sign > 0 else "left"))
    return tuple(cast)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = words.vaguely(
        ("a vehicle among houses", "traffic in a street with houses"),
        [0],
        ("a street between houses",),
    )
    if words.pick("kind", "colour") == "kind":
        broad = say(f"{noun(facts['kind'])} in a street with houses", [0], ["kind"])
    else:
        broad = say(f"{noun('vehicle', facts['colour'])} in a street with houses", [0], ["colour"])
    return vague, broad, join(_deed(facts, words), _walker(facts, words))


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    place = words.pick("between roofs", "between houses")
    return join(place, _deed(facts, words), _walker(facts, words))


def _deed(facts: Facts, words: Words) -> Phrase:
    """Describe where the vehicle comes from and what it does then."""
    who = say(noun(facts["kind"], facts["colour"]), [0], ["kind", "colour"])
    start, _, end = facts["route"].partition("-")
    turn = ACTIONS[facts["route"]]
    if end == "on":
        if not words.sees_directions:
            return join(who, say("drives straight along the street", about=["route"]))
        side = "right" if start == "left" else "left"
        return join(who, say(f"drives along the street to the {side}", about=["route"]))
    if start == "out":
        first = words.pick("comes out of the side street", "leaves the side street")
        return join(who, say(f"{first} and turns {turn}", about=["route", "order"]))
    into = words.pick("into the side street", "into a side street")
    if not words.sees_directions:
        return join(who, say(f"turns {turn} {into}", about=["route"]))
    return join(
        who, say(f"comes from the {start} and turns {turn} {into}", about=["route", "order"])
    )


def _walker(facts: Facts, words: Words) -> Phrase:
    """The person on the pavement."""
    if facts["walker"] == "none":
        return say("with nobody near", about=["walker"])
    near = words.pick("near", "by")
    return say(f"{near} a person in {facts['walker']}", [1], ["walker"])
