"""How far judges agree: Cohen's kappa."""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

from leaderboard.judging.facts import GRADES, Agreement


def agreements(answers: Mapping[str, Mapping[str, str]]) -> tuple[Agreement, ...]:
    """Compare all judges in twos.

    Args:
        answers: By judge, then by pair: ``yes``, ``partly``, ``no`` or ``skip``.

    Returns:
        One for each two judges; pairs that either skipped do not count.
    """
    found = []
    for first, second in combinations(sorted(answers), 2):
        both = [
            (answer, answers[second][pair])
            for pair, answer in answers[first].items()
            if _judged(answer) and _judged(answers[second].get(pair, "skip"))
        ]
        agreed = 100.0 * sum(one == other for one, other in both) / len(both) if both else None
        found.append(Agreement(first, second, len(both), agreed, cohens_kappa(both)))
    return tuple(found)


def cohens_kappa(answers: list[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of two judges.

    Args:
        answers: What both said of each item.

    Returns:
        (agreement - agreement by chance) / (1 - agreement by chance), -1 to 1; None for no items,
        or where both gave one and the same answer throughout.

    Example:
        >>> cohens_kappa([("yes", "yes"), ("no", "no"), ("yes", "no"), ("no", "no")])
        0.5

    Source: Cohen, "A coefficient of agreement for nominal scales" (1960).
    """
    total = len(answers)
    firsts, seconds = (
        (Counter(column) for column in zip(*answers, strict=True)) if total else ({},) * 2
    )
    same = sum(one == other for one, other in answers)
    by_chance = sum(firsts[answer] * seconds[answer] for answer in firsts)
    if total * total == by_chance:
        return None
    return (total * same - by_chance) / (total * total - by_chance)


def _judged(answer: str) -> bool:
    return GRADES[answer] is not None
