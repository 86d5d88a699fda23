"""Two vehicles wait at a crossroads; one goes first, the other after it."""

import numpy as np

from builders.aerosynth.actors import LENGTHS, Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.stories import Facts
from builders.aerosynth.stories.junction import HEADINGS, TOWARDS, exit_heading, way

SCENES = ("crossroads",)
_COLOURS = ("red", "blue", "green", "yellow", "orange", "white", "black")
_KINDS = ("car", "car", "van", "truck", "bus")
DOMAIN = {
    "kind_a": _KINDS,
    "colour_a": _COLOURS,
    "move_a": ("straight", "left", "right"),
    "kind_b": _KINDS,
    "colour_b": _COLOURS,
    "move_b": ("straight", "left", "right"),
    "first": ("a", "b"),
}
CONTRASTS = ("first", "colour_a", "move_a", "move_b")
DIRECTIONS: tuple[str, ...] = ()
CENTRE: Point = (0.0, 0.0)
ZOOM = 0.9

_SIDES = {"a": "left", "b": "bottom"}
_DONE = {
    "straight": ("goes straight on", "drives straight on"),
    "left": ("turns left", "makes a left turn"),
    "right": ("turns right", "makes a right turn"),
}


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: the two can be told apart by their colours."""
    return facts["colour_a"] != facts["colour_b"]


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Let one drive after the other."""
    cast = []
    begins = {facts["first"]: 0.15}
    second = "b" if facts["first"] == "a" else "a"
    begins[second] = float(rng.uniform(2.0, 2.15))
    speed = float(rng.uniform(72, 78))
    for name in ("a", "b"):
        entry, manoeuvre = HEADINGS[_SIDES[name]], facts[f"move_{name}"]
        kind = facts[f"kind_{name}"]
        reach = 48.0 + LENGTHS[kind] / 2
        path = way(entry, manoeuvre, reach)
        track = Track(path.corners, path.radius, cruise(speed, 0.0, begins[name]))
        direction = TOWARDS[exit_heading(entry, manoeuvre)]
        cast.append(Actor(kind, facts[f"colour_{name}"], track, manoeuvre, direction))
    return tuple(cast)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = words.vaguely(
        (
            "two vehicles on the road",
            "there is traffic at a crossroads",
            "two vehicles at a crossroads",
        ),
        [0, 1],
    )
    broad = (
        join(
            say(noun(facts["kind_a"]), [0], ["kind_a"]),
            "and",
            say(noun(facts["kind_b"]), [1], ["kind_b"]),
            "at the crossroads",
        )
        if words.pick("kinds", "colours") == "kinds"
        else join(
            say(noun("vehicle", facts["colour_a"]), [0], ["colour_a"]),
            "and",
            say(noun("one", facts["colour_b"]), [1], ["colour_b"]),
            "at the crossroads",
        )
    )
    return (
        vague,
        broad,
        _ordered_events(facts, words, "after" if words.pick("x", "y") == "x" else "before"),
    )


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    return _ordered_events(facts, words, "first")


def _ordered_events(facts: Facts, words: Words, form: str) -> Phrase:
    """The two events in one of three forms that keep their order."""
    early = facts["first"]
    late = "b" if early == "a" else "a"
    first, second = _event(facts, words, early), _event(facts, words, late)
    order = say("", about=["first", "order"])
    if form == "first":
        return join(order, "at the crossroads first", first, ", then", second)
    if form == "before":
        return join(order, first, "at the crossroads before", second)
    return join(order, "after", first, "at the crossroads ,", second)


def _event(facts: Facts, words: Words, name: str) -> Phrase:
    """What one of the two does."""
    index = 0 if name == "a" else 1
    who = noun(facts[f"kind_{name}"], facts[f"colour_{name}"])
    what = words.pick(*_DONE[facts[f"move_{name}"]])
    about = [f"kind_{name}", f"colour_{name}", f"move_{name}"]
    return say(f"{who} {what}", [index], about)
