"""Vehicles or people move along a track through the woods."""

import numpy as np

from builders.aerosynth.actors import LENGTHS, Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say, verb
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.scenes.woods import track_line
from builders.aerosynth.stories import Facts
from builders.aerosynth.stories.beach import people

SCENES = ("woods",)
DOMAIN = {
    "kind": ("car", "truck", "tractor", "person", "person"),
    "colour": ("red", "blue", "green", "yellow", "orange", "white", "black"),
    "count": ("1", "2", "3"),
    "direction": ("left", "right"),
    "halt": ("no", "no", "yes"),
}
CONTRASTS = ("kind", "colour", "count", "direction", "halt")
DIRECTIONS = ("direction",)
CENTRE: Point = (0.0, 14.0)
ZOOM = 1.0


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: only one vehicle on its own stops."""
    if facts["halt"] == "yes":
        return facts["count"] == "1" and facts["kind"] != "person"
    return facts["count"] != "3" or facts["kind"] in ("car", "person")


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Put them onto the track, the first in front."""
    if facts["kind"] == "person":
        return tuple(people(facts, track_line(), float(rng.uniform(17, 22)), 1.25, rng))
    way = track_line() if facts["direction"] == "right" else track_line()[::-1]
    path = Track(way, 8.0, cruise(0.0))
    count, gap = int(facts["count"]), LENGTHS[facts["kind"]] + 10.0
    speed = float(rng.uniform(22, 28))
    cast = []
    for place in range(count):
        start = path.length / 2 + gap * ((count - 1) / 2 - place) - 2 * speed
        keys = cruise(speed, start)
        if facts["halt"] == "yes":
            # It drives for half of the clip and stands for the rest.
            keys = ((0.0, start - 20.0), (2.0, path.length / 2), (3.0, path.length / 2))
        cast.append(
            Actor(
                facts["kind"],
                facts["colour"],
                Track(way, 8.0, keys),
                "stop" if facts["halt"] == "yes" else "drive",
                facts["direction"],
            )
        )
    return tuple(cast)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    count, walkers = int(facts["count"]), facts["kind"] == "person"
    hyper = "person" if walkers else "vehicle"
    naming = (f"{'people' if walkers else 'traffic'} in the woods",)
    vague = words.vaguely(naming, range(count), ("a track through the woods",))
    if words.pick("kind", "colour") == "kind":
        broad = say(
            f"{noun(facts['kind'], None, count)} in the woods", range(count), ["kind", "count"]
        )
    elif walkers:
        broad = say(
            f"{noun(hyper, None, count)} in {facts['colour']} in the woods",
            range(count),
            ["colour", "count"],
        )
    else:
        broad = say(
            f"{noun(hyper, facts['colour'], count)} in the woods", range(count), ["colour", "count"]
        )
    return vague, broad, _movements(facts, words, "in the woods")


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    return _movements(
        facts, words, words.pick("along a track through the woods", "on a sandy track among trees")
    )


def _movements(facts: Facts, words: Words, place: str) -> Phrase:
    """Who moves where, and whether they stop."""
    count, walkers = int(facts["count"]), facts["kind"] == "person"
    if walkers:
        text, go = f"{noun('person', None, count)} in {facts['colour']}", "walks"
    else:
        text = noun(facts["kind"], facts["colour"], count)
        go = words.pick("drives", "moves")
    who = say(f"{text} {verb(go, count)}", range(count), ["kind", "colour", "count"])
    where: Phrase | str = ""
    if words.sees_directions:
        where = say(f"to the {facts['direction']}", about=["direction"])
    if facts["halt"] == "no":
        return join(who, where, place)
    stops = words.pick("and then stops", "and then comes to a stop")
    return join(who, where, place, say(stops, about=["halt", "order"]))
