"""Three runs or more on the same queries: one against all others, or all pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from dvtr_bench.ranking.figures import BOTH, figure_names, higher_is_better
from dvtr_bench.reports.html_table import html_table
from dvtr_bench.reports.others_text import make_console, one_line, safe_markdown
from dvtr_bench.results.setups import run_letter
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.board_text import print_table, table_lines
from leaderboard.comparison.differences import Comparison, make_comparisons
from leaderboard.comparison.tables import (
    about_groups,
    change_fields,
    corrected_field,
    how_to_read,
    legend,
    same_medians,
    title,
)
from leaderboard.html import table_html
from leaderboard.result_files import ResultFile
from leaderboard.tables import DIRECTION_TITLES, LOWER_MEDIAN, Field, Table, group_sizes

if TYPE_CHECKING:
    import pandas as pd

_HEADER = ("", "pair", "first", "second", "difference", "p", "corrected")


@dataclass(frozen=True, eq=False, repr=False)
class SeveralComparison:
    """Three runs or more, compared in pairs; a difference is second - first.

    Attributes:
        files: The result files, named A, B, C and so on.
        pairs: Which are compared: places in ``files``.
        comparisons: One for each pair, with raw and corrected p-values.
    """

    files: tuple[ResultFile, ...]
    pairs: tuple[tuple[int, int], ...]
    comparisons: tuple[Comparison, ...]

    @classmethod
    def of(cls, files: Sequence[ResultFile], *, all_pairs: bool = False) -> "SeveralComparison":
        """Compare runs.

        Args:
            files: At least two runs on the same queries.
            all_pairs: Whether to compare all pairs; otherwise all others with the first.

        Raises:
            IncomparableError: The runs must not share a table.
        """
        last = len(files) if all_pairs else 1
        pairs = [(a, b) for a in range(last) for b in range(a + 1, len(files))]
        comparisons = make_comparisons([file.record for file in files], pairs, queries=0)
        return cls(tuple(files), tuple(pairs), tuple(comparisons))

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per difference.

        Returns:
            Columns run_a, run_b (letters), direction, metric, first, second, difference, low, high,
            p_value, p_corrected.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "run_a": run_letter(a),
                "run_b": run_letter(b),
                "direction": direction,
                "metric": name,
                **vars(difference),
                "p_corrected": comparison.p_corrected[direction, name],
            }
            for (a, b), comparison in zip(self.pairs, self.comparisons, strict=True)
            for (direction, name), difference in comparison.figures.items()
        )

    def tables(self) -> Iterator[Table]:
        """Yield a table for each direction, then one for each axis of groups."""
        yield from self._figure_tables()
        yield from self._group_tables()

    def print(self, console: Console | None = None) -> None:
        """Print figures and groups.

        Args:
            console: The console; standard output by default.
        """
        console = console or make_console()
        console.print()
        console.print(Text(printable(title(self.comparisons[0])), style="bold"))
        for line in legend(*self.files):
            console.print(Text(printable(line)))
        for line in self._about():
            console.print(Text(line, style="dim"))
        for table in self.tables():
            print_table(console, table)
        for note in self._notes():
            console.print(Text(f"  {printable(note)}", style="dim"))

    def write(self, path: str | Path) -> Path:
        """Write the comparison as a Markdown page.

        Args:
            path: The page; its folder is created if missing.

        Returns:
            The path written.
        """
        path = Path(path)
        lines = [f"# {safe_markdown(title(self.comparisons[0]))}\n"]
        lines += [f"- {safe_markdown(line)}" for line in legend(*self.files)]
        lines += ["", *(f"{safe_markdown(line)}\n" for line in self._about())]
        for table in self.tables():
            lines += table_lines(table)
        lines += [f"- {safe_markdown(note)}" for note in self._notes()]
        with written_beside(path) as beside:
            beside.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
        return path

    def __repr__(self) -> str:
        """Runs and the number of comparisons."""
        labels = ", ".join(one_line(line) for line in legend(*self.files)[:3])
        more = ", ..." if len(self.files) > 3 else ""
        return f"SeveralComparison({labels}{more}: {len(self.pairs)} comparisons)"

    def _repr_html_(self) -> str:
        head = html_table(
            [title(self.comparisons[0])],
            [[line] for line in legend(*self.files)],
            notes=self._about(),
        )
        tables = "".join(map(table_html, self.tables()))
        return f"<div>{head}{tables}{html_table([], [], notes=self._notes())}</div>"

    def _about(self) -> list[str]:
        first = self.comparisons[0]
        lines = [
            how_to_read(first.resampling),
            "Each figure is a family of tests: corrected is the p-value after Holm's correction "
            f"for the {len(self.pairs)} comparisons by that figure.",
        ]
        return [*lines, about_groups(self.comparisons)] if first.groups else lines

    def _notes(self) -> list[str]:
        notes = [
            f"{run_letter(a)} and {run_letter(b)}: {note}"
            for (a, b), comparison in zip(self.pairs, self.comparisons, strict=True)
            for note in comparison.notes
        ]
        return list(dict.fromkeys(notes))

    def _named(self) -> list[tuple[str, Comparison]]:
        """Return each comparison with the letters of its runs, the second first: B - A."""
        return [
            (f"{run_letter(b)} - {run_letter(a)}", comparison)
            for (a, b), comparison in zip(self.pairs, self.comparisons, strict=True)
        ]

    def _figure_tables(self) -> Iterator[Table]:
        for direction, heading in DIRECTION_TITLES.items():
            names = ("mR", "RSum") if direction == BOTH else figure_names()
            rows = []
            for name in names:
                key = (direction, name)
                if key not in self.comparisons[0].figures or (
                    name == LOWER_MEDIAN
                    and all(same_medians(each, direction) for each in self.comparisons)
                ):
                    continue
                shown = name if higher_is_better(name) else f"{name} (lower is better)"
                for pair, comparison in self._named():
                    resamples = comparison.resampling.resamples
                    cells = change_fields(comparison.figures[key], resamples)
                    corrected = corrected_field(comparison.p_corrected[key])
                    rows.append((Field(shown), Field(pair), *cells, corrected))
            if rows:
                yield Table(heading, _HEADER, tuple(rows))

    def _group_tables(self) -> Iterator[Table]:
        axes = dict.fromkeys(axis for each in self.comparisons for axis in each.groups)
        for axis in axes:
            by_group: dict[str, list[tuple[Field, ...]]] = {}
            for pair, comparison in self._named():
                for row in comparison.groups.get(axis, ()):
                    group = Field(row.name, group_sizes(row.captions, row.videos))
                    cells = change_fields(row.change, row.resamples)
                    corrected = corrected_field(row.p_corrected)
                    by_group.setdefault(row.name, []).append(
                        (group, Field(pair), *cells, corrected)
                    )
            rows = tuple(row for rows in by_group.values() for row in rows)
            yield Table(f"T2V R@1 by group: {axis}", _HEADER, rows, prose=True)
