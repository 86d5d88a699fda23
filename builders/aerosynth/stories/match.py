"""Two teams play football: a run with the ball, a pass, a shot, or a pass and then a shot."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import COUNT_WORDS, Phrase, Words, join, say
from builders.aerosynth.motion import Point, Track, track_through
from builders.aerosynth.scenes.pitch import HALF_LENGTH
from builders.aerosynth.stories import Facts

SCENES = ("pitch",)
_COLOURS = ("red", "blue", "yellow", "orange", "white", "black")
DOMAIN = {
    "colour": _COLOURS,
    "opponent": _COLOURS,
    "direction": ("left", "right"),
    "play": ("run", "pass", "shot", "pass-shot"),
    "size": ("2", "3"),
}
CONTRASTS = ("colour", "opponent", "direction", "play", "size")
DIRECTIONS = ("direction",)
CENTRE: Point = (0.0, 0.0)
ZOOM = 1.0

SCALE = 1.25
REACH = 11.0
"""Distance of the ball in front of a player, in world units."""

Stop = tuple[float, Point]


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: the teams differ."""
    return facts["colour"] != facts["opponent"]


def _plays(play: str, sign: float) -> tuple[list[Stop], list[Stop], list[Stop], float]:
    """Return the stops of both players and the ball, and when it flies to the goal.

    The attack goes to the right for sign 1. The flight starts at -1 where there is none.
    """

    def at(x: float, y: float) -> Point:
        return sign * x, y

    goal = at(HALF_LENGTH + 7.0, -3.0)
    if play == "run":
        runner = [(0.0, at(-66, 24)), (2.0, at(-4, 12)), (4.0, at(58, 20))]
        ball = [(time, (x + sign * REACH, y)) for time, (x, y) in runner]
        return runner, [(0.0, at(-40, -44)), (4.0, at(34, -40))], ball, -1.0
    if play == "shot":
        runner = [(0.0, at(-34, 22)), (1.9, at(26, 8)), (4.0, at(44, 4))]
        ball = [(0.0, at(-34 + REACH, 22)), (1.9, at(26 + REACH, 8)), (2.7, goal)]
        return runner, [(0.0, at(-50, -40)), (4.0, at(10, -36))], ball, 1.9
    first = [(0.0, at(-58, 30)), (1.1, at(-40, 28)), (4.0, at(-14, 24))]
    ball = [(0.0, at(-58 + REACH, 30)), (1.1, at(-40 + REACH, 28)), (1.9, at(34 + REACH, -22))]
    if play == "pass":
        second = [(0.0, at(14, -26)), (1.9, at(34, -22)), (4.0, at(58, -18))]
        return first, second, [*ball, (4.0, at(58 + REACH, -18))], -1.0
    second = [(0.0, at(14, -26)), (1.9, at(34, -22)), (2.6, at(44, -18)), (4.0, at(54, -14))]
    return first, second, [*ball, (2.6, at(44 + REACH, -18)), (3.2, goal)], 2.6


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Put both teams and the ball onto the pitch: attackers, opponents, ball."""
    sign = 1.0 if facts["direction"] == "right" else -1.0
    first, second, ball, flight = _plays(facts["play"], sign)
    size = int(facts["size"])
    keeper = _jog((sign * (HALF_LENGTH - 6.0), 9.0), 0.0, rng)
    spots = ((22.0, -60.0), (8.0, 52.0))
    other = [keeper, *(_jog((sign * x, y), sign, rng) for x, y in spots)][:size]
    own = [track_through(first), track_through(second), _jog((-70.0 * sign, -12.0), sign, rng)][
        :size
    ]
    cast = [
        Actor("person", facts["colour"], track, facts["play"], facts["direction"], SCALE)
        for track in own
    ]
    cast += [Actor("person", facts["opponent"], track, "defend", None, SCALE) for track in other]
    hops = ((flight, flight + 0.8, 9.0),) if flight >= 0 else ()
    cast.append(
        Actor("ball", "white", track_through(ball), facts["play"], facts["direction"], 1.1, hops)
    )
    return tuple(cast)


def _jog(spot: Point, sign: float, rng: np.random.Generator) -> Track:
    """Return a player who moves a little."""
    x, y = spot
    drift = sign * 18.0 + rng.uniform(-4, 4)
    return track_through([(0.0, (x, y)), (4.0, (x + drift, y + rng.uniform(-10, -6)))])


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    size = int(facts["size"])
    everyone, ball = range(2 * size), 2 * size
    vague = words.vaguely(
        ("people play football", "players on a pitch"), everyone, ("a ball game",)
    )
    if words.pick("teams", "play") == "teams":
        broad = say(
            f"a team in {facts['colour']} plays against a team in {facts['opponent']}",
            everyone,
            ["colour", "opponent"],
        )
    else:
        doing = {
            "run": "runs with the ball",
            "pass": "passes the ball",
            "shot": "shoots the ball into the goal",
            "pass-shot": "scores after a pass",
        }
        broad = say(f"a player {doing[facts['play']]} on the pitch", [0, ball], ["play"])
    return vague, broad, join(_deed(facts, words), "on the pitch", _against(facts, words))


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    return join(_deed(facts, words), _against(facts, words))


def _deed(facts: Facts, words: Words) -> Phrase:
    """Describe what the attackers do, in order."""
    ball = 2 * int(facts["size"])
    who = say(f"a player in {facts['colour']}", [0], ["colour"])
    seen = words.sees_directions
    way = f"to the {facts['direction']}" if seen else ""
    goal = f"into the {facts['direction']} goal" if seen else "into the goal"
    about_play = ["play", "direction"] if seen else ["play"]
    if facts["play"] == "run":
        return join(
            who,
            say(words.pick("runs with", "moves forward with") + " the ball", [ball], about_play),
            way,
        )
    if facts["play"] == "pass":
        return join(
            who, say("passes the ball", [ball], about_play), way, say("to another player", [1])
        )
    shoots = words.pick("shoots", "kicks")
    if facts["play"] == "shot":
        return join(
            who,
            say(f"first runs and then {shoots} the ball {goal}", [ball], [*about_play, "order"]),
        )
    then = say(f"then another {shoots} it {goal}", [1, ball], [*about_play, "order"])
    return join("first", who, "passes the ball ,", then)


def _against(facts: Facts, words: Words) -> Phrase:
    """Describe the other team and its size."""
    size = int(facts["size"])
    players = words.pick("players in", "opponents in")
    return say(
        f"against {COUNT_WORDS[size]} {players} {facts['opponent']}",
        range(size, 2 * size),
        ["opponent", "size"],
    )
