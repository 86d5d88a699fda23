"""An ablation into tables and sentences of text: what the terminal and the page both show."""

from collections.abc import Iterator
from typing import Final

from leaderboard.ablation.figures import HEADLINE, RESAMPLING, Ablation, Answer, Row
from leaderboard.board import Cell
from leaderboard.comparison.tables import p_text, signed
from leaderboard.tables import DIRECTION_TITLES, Field, Table, figure_field

COLUMNS: Final = ("R@1", "R@5", "R@10", "MdR")

_VERDICTS: Final = {
    "gain": "a gain",
    "loss": "a loss",
    "none": "open",
}


def title(ablation: Ablation) -> str:
    """Return the heading: model, dataset, split, sizes."""
    dataset = ablation.full.runs[0].dataset
    return (
        f"Ablation of {ablation.model} on {dataset.name} {dataset.version}, {dataset.split}: "
        f"{dataset.num_captions:,} captions, {dataset.num_videos:,} videos"
    )


def setup_line(ablation: Ablation) -> str:
    """Say how every variant was trained."""
    model = ablation.full.runs[0].model
    seeds = ", ".join(map(str, ablation.full.seeds))
    parts = [f"backbone {model.backbone}"]
    if model.training is not None:
        recipe = model.training.recipe
        parts += [f"{name} {recipe[name]}" for name in ("freeze", "epochs") if name in recipe]
        parts.append(f"trained on {model.training.dataset}, best epoch on validation")
    return f"{'; '.join(parts)}; {_count(len(ablation.full.runs), 'seed')} ({seeds})."


def how_to_read(ablation: Ablation) -> str:
    """Say what the figures and differences mean."""
    seeds = "± is the standard deviation over seeds: what training again would move. "
    return (
        f"{seeds if len(ablation.full.runs) > 1 else ''}Below a figure: its "
        f"{RESAMPLING.level:.0%} interval by bootstrap over videos: what other test videos would "
        "move. The last column is the difference to the full model with its two-sided p-value and, "
        f"below, its interval, by paired bootstrap over videos, {RESAMPLING.resamples:,} "
        "resamples; they take the seeds as they are, and the "
        f"{len(ablation.rows) - 1} p-values are not corrected for their number."
    )


def ablation_tables(ablation: Ablation, *, about: bool) -> Iterator[Table]:
    """Lay out the rows.

    Args:
        ablation: Of a model.
        about: Whether to say in words what each variant changes.

    Yields:
        One table for t2v and one for v2t.
    """
    for direction in ("t2v", "v2t"):
        columns = tuple(
            name for name in COLUMNS if (direction, "strict", name) in ablation.full.means.values
        )
        yield Table(
            DIRECTION_TITLES[direction],
            ("variant", *columns, f"{HEADLINE}, to full"),
            tuple(
                (
                    _name(ablation, row, about),
                    *(figure_field(_cell(row, direction, name)) for name in columns),
                    _difference(ablation, row, direction),
                )
                for row in ablation.rows
            ),
            prose=True,
        )


def answer_lines(ablation: Ablation) -> list[str]:
    """Say the answers in words, one line each, the conclusion last."""
    lines = [_answer_line(answer) for answer in ablation.answers]
    return [*lines, ablation.conclusion] if ablation.conclusion else lines


ABOUT_VERDICTS: Final = (
    "A gain or a loss is said where the interval excludes zero and every seed agrees; all else is "
    "open."
)
"""What a reader of the answers must know."""


def _name(ablation: Ablation, row: Row, about: bool) -> Field:
    parts = [row.variant.about] if about else []
    if row.seeds != ablation.full.seeds:
        parts.append(_count(len(row.runs), "seed"))
    return Field(row.variant.name, ", ".join(parts))


def _cell(row: Row, direction: str, name: str) -> Cell:
    figure = row.means.figure(direction, "strict", name)
    return Cell(figure.mean, figure.low, figure.high, figure.deviation)


def _difference(ablation: Ablation, row: Row, direction: str) -> Field:
    if row is ablation.full:
        return Field("")
    found = ablation.full.means.difference(row.means, direction, "strict", HEADLINE)
    return Field(
        f"{signed(found.difference)}, p {p_text(found.p_value, RESAMPLING.resamples)}",
        f"{signed(found.low)} to {signed(found.high)}",
    )


def _answer_line(answer: Answer) -> str:
    found = answer.difference
    seeds = ""
    if len(answer.by_seed) > 1:
        seeds = f"; by seed {', '.join(signed(value) for value in answer.by_seed.values())}"
    return (
        f"{answer.question.about}: {answer.direction.upper()} {HEADLINE} {found.first:.1f} to "
        f"{found.second:.1f}, {signed(found.difference)} ({RESAMPLING.level:.0%} interval "
        f"{signed(found.low)} to {signed(found.high)}, "
        f"p {p_text(found.p_value, RESAMPLING.resamples)}{seeds}): {_VERDICTS[answer.verdict]}."
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
