"""Join the answers of judges into judgements."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

from leaderboard.judging.answers import read_answers
from leaderboard.judging.facts import GRADES, Agreement, JudgeFacts
from leaderboard.judging.judgements import Judgements
from leaderboard.judging.pool import Pair, Pool


def judgements_of(pool: Pool, files: Iterable[str | Path]) -> tuple[Judgements, tuple[Pair, ...]]:
    """Join the answers to a pool.

    The grade of a pair is what most of its judges say; skips do not count. A pair whose judges are
    divided stays unjudged. Pairs that the pool knows from earlier judgements keep their grades.

    Args:
        pool: The pool.
        files: The answers, see `read_answers`.

    Returns:
        The judgements, and the pairs that are unsettled, for another judge.

    Raises:
        NotFoundError: A file does not exist.
        InputError: See `read_answers`.
    """
    answers = read_answers(pool, files)
    grades: dict[str, dict[str, int]] = {}
    unsettled = []
    for pair in pool.pairs:
        if pair.known == "judged" and pair.grade is not None:
            grades.setdefault(pair.caption_id, {})[pair.video_id] = pair.grade
        if pair.known:
            continue
        votes = Counter(_votes(answers, pair.pair)).most_common(2)
        if len(votes) == 2 and votes[0][1] == votes[1][1]:
            unsettled.append(pair)
        elif votes:
            grades.setdefault(pair.caption_id, {})[pair.video_id] = votes[0][0]
    made = Judgements.of(
        pool.facts.dataset,
        pool.own,
        pool.texts,
        grades,
        queries=pool.facts.queries,
        pool=pool.facts,
        judges=tuple(_judge(name, given) for name, given in sorted(answers.items())),
        agreement=agreements(answers),
        unsettled=len(unsettled),
    )
    return made, tuple(unsettled)


def _votes(answers: Mapping[str, Mapping[str, str]], pair: str) -> Iterator[int]:
    for given in answers.values():
        if (grade := GRADES[given.get(pair, "skip")]) is not None:
            yield grade


def _judge(name: str, given: Mapping[str, str]) -> JudgeFacts:
    counts = Counter(given.values())
    return JudgeFacts(name, *(counts[answer] for answer in ("yes", "partly", "no", "skip")))


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
