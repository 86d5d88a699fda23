"""One to three equal vehicles drive along a country road; a car may come towards them."""

import numpy as np

from builders.aerosynth.actors import LENGTHS, Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say, verb
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.scenes.road import LANE, centre_line
from builders.aerosynth.stories import Facts

SCENES = ("road",)
_COLOURS = ("red", "blue", "green", "yellow", "orange", "white", "black")
DOMAIN = {
    "kind": ("car", "van", "truck", "bus"),
    "colour": _COLOURS,
    "count": ("1", "2", "3"),
    "direction": ("left", "right"),
    "oncoming": ("none", "none", *_COLOURS),
}
CONTRASTS = ("kind", "colour", "count", "direction", "oncoming")
DIRECTIONS = ("direction",)
CENTRE: Point = (0.0, 0.0)
ZOOM = 0.88


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: the oncoming car has another colour."""
    return facts["oncoming"] != facts["colour"]


def lane(direction: str) -> tuple[Point, ...]:
    """Return the lane of vehicles that drive to one side; traffic keeps to the right.

    Args:
        direction: left or right.

    Returns:
        Points in driving order.
    """
    return centre_line(LANE) if direction == "right" else centre_line(-LANE)[::-1]


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Place the vehicles on the road, the first in front."""
    count, kind = int(facts["count"]), facts["kind"]
    gap = LENGTHS[kind] + 13.0
    speed = float(rng.uniform(25, 31))
    path = Track(lane(facts["direction"]), 8.0, cruise(0.0))
    # The middle of the column is in the middle of the frame half-way through the clip.
    lead = path.length / 2 + gap * (count - 1) / 2 - 2 * speed
    cast = [
        Actor(
            kind,
            facts["colour"],
            Track(path.corners, 8.0, cruise(speed, lead - gap * number)),
            "drive",
            facts["direction"],
        )
        for number in range(count)
    ]
    if facts["oncoming"] != "none":
        other = "left" if facts["direction"] == "right" else "right"
        faster = float(rng.uniform(44, 50))
        track = Track(lane(other), 8.0, cruise(faster, path.length / 2 - 2 * faster))
        cast.append(Actor("car", facts["oncoming"], track, "drive", other))
    return tuple(cast)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    group, count = list(range(int(facts["count"]))), int(facts["count"])
    everyone = range(count + (facts["oncoming"] != "none"))
    naming = ("vehicles move on the road", "traffic on a road between fields")
    if len(everyone) == 1:
        naming = ("a vehicle moves on the road", "a vehicle between fields")
    vague = words.vaguely(naming, everyone)
    if words.pick("kind", "colour") == "kind":
        broad = say(f"{noun(facts['kind'], None, count)} on the road", group, ["kind", "count"])
    else:
        broad = say(
            f"{noun('vehicle', facts['colour'], count)} on the road", group, ["colour", "count"]
        )
    return vague, broad, join(_column(facts, words), "on the road", _other(facts, words))


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day."""
    return join(_column(facts, words), "along the road between fields", _other(facts, words))


def _column(facts: Facts, words: Words) -> Phrase:
    """Describe the vehicles and their direction."""
    count = int(facts["count"])
    who = say(
        noun(facts["kind"], facts["colour"], count), range(count), ["kind", "colour", "count"]
    )
    drive = verb(words.pick("drives", "moves"), count)
    if not words.sees_directions:
        return join(who, drive)
    return join(who, say(f"{drive} to the {facts['direction']}", about=["direction"]))


def _other(facts: Facts, words: Words) -> Phrase:
    """Describe the car that comes towards them."""
    if facts["oncoming"] == "none":
        return say("alone", about=["oncoming"])
    meets = verb(words.pick("meets", "passes"), int(facts["count"]))
    return say(
        f"and {meets} {noun('car', facts['oncoming'])} going the other way",
        [int(facts["count"])],
        ["oncoming"],
    )
