"""Errors of a run's first clips by fact, for datasets that know their facts (aerosynth).

A wrong first clip is not wrong in every respect: it shows a red car instead of a blue one, or a
turn to the other side. A generated dataset knows what each caption mentions and the value of each
fact in every clip, so each mistake can be named.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from dvtr_bench.dataset.split import (
    FACTS_COLUMN,
    MENTIONS_COLUMN,
    caption_mentions,
    knows_facts,
    video_facts,
)
from dvtr_bench.errors import InputError, ResultError
from dvtr_bench.reports.html_table import html_table
from dvtr_bench.reports.others_text import make_console, safe_cell
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.board_text import print_table
from leaderboard.tables import Field, Table

if TYPE_CHECKING:
    import pandas as pd

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.results.top_lists import TopList


@dataclass(frozen=True)
class FactMistakes:
    """Mistakes in one fact.

    Attributes:
        fact: Its name, such as ``colour``.
        mentioned: Number of captions that mention it and whose first clip has the right category.
        wrong: Percent of them whose first clip has another value.
        random: Percent that would be wrong for a random clip of the category.
        alone: Percent whose first clip is wrong only in this fact, of those mentioned.
    """

    fact: str
    mentioned: int
    wrong: float
    random: float
    alone: float


@dataclass(frozen=True)
class Mistakes:
    """Mistakes in the first clips of a run.

    Attributes:
        title: Title of the run.
        captions: Number of captions.
        right: Percent whose first clip is their own.
        fitting: Percent whose first clip is another one that fits everything that the caption
            mentions: no model can do better.
        other_facts: Percent whose first clip has the right category but a wrong fact.
        other_category: Percent whose first clip has another category.
        facts: Mistakes by fact, the most frequent first.
    """

    title: str
    captions: int
    right: float
    fitting: float
    other_facts: float
    other_category: float
    facts: tuple[FactMistakes, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per fact: fact, mentioned, wrong, random, alone."""
        import pandas as pd

        names = [field.name for field in fields(FactMistakes)]
        return pd.DataFrame([asdict(fact) for fact in self.facts], columns=names)

    def print(self, console: Console | None = None) -> None:
        """Print the mistakes.

        Args:
            console: The console; standard output by default.
        """
        console = console or make_console()
        console.print(Text(printable(self.title), style="bold"))
        console.print(Text(self._summary()))
        print_table(console, self._table())
        console.print(Text(_HOW_TO_READ, style="dim"))

    def write(self, path: str | Path) -> Path:
        """Write the facts as CSV, atomically.

        Args:
            path: The file.

        Returns:
            The path.
        """
        with (
            written_beside(Path(path)) as beside,
            beside.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([field.name for field in fields(FactMistakes)])
            for fact in self.facts:
                figures = (fact.wrong, fact.random, fact.alone)
                writer.writerow(
                    [safe_cell(fact.fact), fact.mentioned, *(f"{figure:.2f}" for figure in figures)]
                )
        return Path(path)

    def _repr_html_(self) -> str:
        table = self._table()
        rows = [[field.text for field in row] for row in table.rows]
        return html_table(
            table.header, rows, title=self.title, notes=[self._summary(), _HOW_TO_READ]
        )

    def _summary(self) -> str:
        return (
            f"First clips of {self.captions:,} captions: {self.right:.1f}% are their own, "
            f"{self.fitting:.1f}% are others that fit all that is mentioned, "
            f"{self.other_facts:.1f}% differ in a fact, "
            f"{self.other_category:.1f}% are of another category."
        )

    def _table(self) -> Table:
        rows = [
            (
                Field(fact.fact),
                Field(f"{fact.mentioned:,}"),
                *(Field(f"{figure:.1f}") for figure in (fact.wrong, fact.random, fact.alone)),
            )
            for fact in self.facts
        ]
        header = ("fact", "captions", "wrong %", "random clip %", "wrong alone %")
        return Table("What first clips get wrong", header, tuple(rows))


_HOW_TO_READ = (
    "captions: those that mention the fact and whose first clip is of the right category; "
    "random clip: what would be wrong if it were any clip of that category; "
    "wrong alone: all else that is mentioned fits."
)


def find_mistakes(split: "RetrievalSplit", top_list: "TopList", title: str = "") -> Mistakes:
    """Compare the first clip of every caption with what the caption mentions.

    Args:
        split: The split that was searched, of a dataset with the columns ``facts`` and
            ``caption_mentions``.
        top_list: The top list of its captions, text to video.
        title: Title of the run.

    Returns:
        The mistakes.

    Raises:
        InputError: The dataset does not know its facts.
        ResultError: The list belongs to another split.
    """
    rows = [split.row(index) for index in range(len(split.video_ids))]
    if not knows_facts(rows[0]):
        raise InputError(
            f"{split.dataset_name} does not know the facts of its clips (no columns "
            f"{FACTS_COLUMN} and {MENTIONS_COLUMN}): use a result on aerosynth"
        )
    facts = video_facts(rows)
    others = _Others(facts, split.categories)
    outcomes: Counter[str] = Counter()
    mentioned: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    wrong_alone: Counter[str] = Counter()
    random: defaultdict[str, float] = defaultdict(float)
    mentions = caption_mentions(split, rows)
    owners = split.caption_video_index.tolist()
    for video, first, mention in zip(owners, _firsts(split, top_list), mentions, strict=True):
        if split.categories[first] != split.categories[video]:
            outcomes["other_category"] += 1
            continue
        mentioned_facts = [name for name in mention["attributes"] if name in facts[video]]
        missed = [name for name in mentioned_facts if facts[first].get(name) != facts[video][name]]
        mentioned.update(mentioned_facts)
        wrong.update(missed)
        wrong_alone.update(missed if len(missed) == 1 else ())
        for name in mentioned_facts:
            random[name] += others.differing(video, name)
        kind = "right" if first == video else "other_facts" if missed else "fitting"
        outcomes[kind] += 1
    facts_by_frequency = [
        FactMistakes(
            name, count, *(100 * part[name] / count for part in (wrong, random, wrong_alone))
        )
        for name, count in mentioned.items()
    ]
    facts_by_frequency.sort(key=lambda fact: (-wrong[fact.fact], fact.fact))
    shares = {
        name: 100 * outcomes[name] / len(owners)
        for name in ("right", "fitting", "other_facts", "other_category")
    }
    return Mistakes(title, len(owners), **shares, facts=tuple(facts_by_frequency))


class _Others:
    """How often other clips of a category have different values."""

    def __init__(
        self, facts: Sequence[Mapping[str, Any]], categories: "tuple[str | None, ...]"
    ) -> None:
        self._facts, self._categories = facts, categories
        self._clips = Counter(categories)
        self._values: dict[tuple[str | None, str], Counter[Any]] = defaultdict(Counter)
        for values, category in zip(facts, categories, strict=True):
            for name, value in values.items():
                self._values[category, name][value] += 1

    def differing(self, video: int, name: str) -> float:
        """Return the share of all clips of a video's category that have another value."""
        category = self._categories[video]
        same = self._values[category, name][self._facts[video][name]]
        return 1 - same / self._clips[category]


def _firsts(split: "RetrievalSplit", top_list: "TopList") -> Iterator[int]:
    """Yield the row of the first clip of each caption."""
    row_of = {video_id: row for row, video_id in enumerate(split.video_ids)}
    if list(top_list.query_ids) != list(split.caption_ids):
        raise ResultError("the top list is of other captions than the split's: evaluate again")
    for query_id, candidates in zip(top_list.query_ids, top_list.candidate_ids, strict=True):
        if not candidates or candidates[0] not in row_of:
            raise ResultError(
                f"the top list of caption {query_id!r} names no video of this split first: "
                "evaluate again"
            )
        yield row_of[candidates[0]]
