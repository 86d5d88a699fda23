"""Smoke rises from a roof, from the woods or from a field, and people go past it."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say, verb
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.stories import Facts
from builders.aerosynth.stories.beach import SPEEDS, people

SCENES = ("settlement", "woods", "field")
DOMAIN = {
    "smoke": ("white", "grey", "black"),
    "drift": ("left", "right"),
    "count": ("0", "1", "2", "3"),
    "colour": ("red", "blue", "yellow", "orange", "white"),
    "direction": ("left", "right"),
    "gait": ("walk", "run"),
}
CONTRASTS = ("smoke", "drift", "count", "colour", "direction", "gait")
DIRECTIONS = ("drift", "direction")
CENTRE: Point = (0.0, -26.0)
ZOOM = 1.0

_SOURCE = {
    "settlement": ("a roof", "a house"),
    "woods": ("the woods", "the trees"),
    "field": ("a field", "the field"),
}


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: without people nothing is said about them."""
    if facts["count"] == "0":
        return (facts["colour"], facts["direction"], facts["gait"]) == ("red", "left", "walk")
    return True


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Light the fire and send the people on their way."""
    sign = 1.0 if facts["drift"] == "right" else -1.0
    source: Point = (-sign * 88.0, -76.0)
    away: Point = (source[0] + sign * 200.0, source[1] + 16.0)
    drift = Track((source, away), 0.0, cruise(float(rng.uniform(29, 33))))
    smoke = Actor("smoke", facts["smoke"], drift, "drift", facts["drift"], 1.15)
    line: tuple[Point, ...] = ((-320.0, 20.0), (320.0, 20.0))
    walkers = people(facts, line, SPEEDS[facts["gait"]], 1.2, rng)
    return (smoke, *walkers)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = say(words.pick("smoke in the air", "something burns", "smoke rises"), [0])
    source = _SOURCE[facts["scene"]][0]
    if words.pick("smoke", "count") == "smoke":
        broad = say(f"{facts['smoke']} smoke rises from {source}", [0], ["smoke", "scene"])
    else:
        who = "nobody" if facts["count"] == "0" else noun("person", None, int(facts["count"]))
        broad = join(
            say(f"smoke rises from {source} and", [0], ["scene"]),
            say(
                f"{who} is near" if facts["count"] in "01" else f"{who} are near",
                range(1, int(facts["count"]) + 1),
                ["count"],
            ),
        )
    return vague, broad, _events(facts, words)


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day."""
    return _events(facts, words)


def _events(facts: Facts, words: Words) -> Phrase:
    """The smoke, its drift and the people."""
    source = words.pick(*_SOURCE[facts["scene"]])
    smoke = say(f"{facts['smoke']} smoke rises from {source}", [0], ["smoke", "scene"])
    if words.sees_directions:
        smoke = join(smoke, say(f"and drifts to the {facts['drift']}", about=["drift"]))
    count = int(facts["count"])
    if count == 0:
        return join(smoke, say(", nobody is near", about=["count"]))
    group = range(1, count + 1)
    who = say(f", {noun('person', None, count)} in {facts['colour']}", group, ["count", "colour"])
    go = say(verb(facts["gait"] + "s", count), about=["gait"])
    where: Phrase | str = ""
    if words.sees_directions:
        where = say(f"to the {facts['direction']}", about=["direction"])
    return join(smoke, who, go, where)
