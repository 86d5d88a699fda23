"""In a car park one car leaves and another one parks, one after the other."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say
from builders.aerosynth.motion import Point, Track
from builders.aerosynth.stories import Facts
from builders.aerosynth.stories.parking import bay_track

SCENES = ("car_park",)
_COLOURS = ("red", "blue", "green", "yellow", "orange", "white", "black")
DOMAIN = {
    "kind_a": ("car", "van"),
    "colour_a": _COLOURS,
    "kind_b": ("car", "van"),
    "colour_b": _COLOURS,
    "first": ("leaves", "parks"),
    "side": ("left", "right"),
}
CONTRASTS = ("first", "colour_a", "colour_b", "side")
DIRECTIONS = ("side",)
CENTRE: Point = (0.0, 0.0)
ZOOM = 0.94


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: the two can be told apart by their colours."""
    return facts["colour_a"] != facts["colour_b"]


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Let vehicle a leave to a side and vehicle b come from the left and park."""
    leave_at, park_at = (0.1, 1.85) if facts["first"] == "leaves" else (1.8, 0.1)
    speed = float(rng.uniform(74, 80))
    out = bay_track(22.0, "top", facts["side"], False)
    leaver = Track(out, 24.0, ((leave_at - 1, 0.0), (leave_at, 0.0), (leave_at + 1, speed)))
    into = bay_track(-44.0, "bottom", "left", True)
    length = Track(into, 24.0, ((0.0, 0.0), (1.0, 0.0))).length
    start = 300.0 - 88.0
    keys = (
        (park_at - 1, start),
        (park_at, start),
        (park_at + 1.45, length),
        (park_at + 2.45, length),
    )
    parker = Track(into, 24.0, keys)
    return (
        Actor(facts["kind_a"], facts["colour_a"], leaver, "leave", facts["side"]),
        Actor(facts["kind_b"], facts["colour_b"], parker, "park", "bottom"),
    )


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = words.vaguely(
        ("two vehicles move in a car park",), [0, 1], ("many parked cars", "a car park")
    )
    if words.pick("colours", "kinds") == "colours":
        broad = join(
            say(noun("vehicle", facts["colour_a"]), [0], ["colour_a"]),
            "and",
            say(noun("one", facts["colour_b"]), [1], ["colour_b"]),
            "move in the car park",
        )
    else:
        broad = join(
            say(f"{noun(facts['kind_a'])} leaves its bay", [0], ["kind_a"]),
            "and",
            say(f"{noun(facts['kind_b'])} parks in another", [1], ["kind_b"]),
        )
    return vague, broad, _ordered_events(facts, words, words.pick("before", "after"))


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    return _ordered_events(facts, words, "first")


def _ordered_events(facts: Facts, words: Words, form: str) -> Phrase:
    """The two events in one of three forms that keep their order."""
    away, about = "drives away", ["kind_a", "colour_a"]
    if words.sees_directions:
        away, about = f"drives away to the {facts['side']}", [*about, "side"]
    leaves = say(f"{noun(facts['kind_a'], facts['colour_a'])} {away}", [0], about)
    parks = say(f"{noun(facts['kind_b'], facts['colour_b'])} parks", [1], ["kind_b", "colour_b"])
    first, second = (leaves, parks) if facts["first"] == "leaves" else (parks, leaves)
    order = say("", about=["first", "order"])
    if form == "first":
        return join(order, "in the car park first", first, ", then", second)
    if form == "before":
        return join(order, first, "before", second, "in the car park")
    return join(order, "after", first, "in the car park ,", second)
