"""What was found about a submission: one line a check."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from dvtr_bench.reports.others_text import one_line
from dvtr_bench.runtime.terminal import count_of, printable

Status: TypeAlias = Literal["PASS", "FAIL", "CLAIMED"]
"""CLAIMED: the file says so, and nothing in it can show that it is true."""

_LONGEST: Final = 400


@dataclass(frozen=True)
class Line:
    """One check of one file.

    Attributes:
        check: What was looked at.
        status: What came out.
        reason: Why, and what to do about a failure.
    """

    check: str
    status: Status
    reason: str

    def __str__(self) -> str:
        """Status, check and reason on one line; texts of others cannot break it."""
        return f"{self.status:<7}  {self.check:<15}  {one_line(self.reason, _LONGEST)}"


@dataclass(frozen=True)
class Submission:
    """All checks of one file.

    Attributes:
        path: The file.
        lines: The checks, in order.
    """

    path: Path
    lines: tuple[Line, ...]

    @property
    def may_enter(self) -> bool:
        """True if no check failed."""
        return all(line.status != "FAIL" for line in self.lines)

    def __str__(self) -> str:
        """The file, its checks and the verdict."""
        verdict = "may enter" if self.may_enter else "may NOT enter"
        return "\n".join(
            [printable(f"{self.path}: {verdict}"), *(f"  {one}" for one in self.lines)]
        )


@dataclass(frozen=True)
class SubmissionReport:
    """All submissions that were checked together.

    Attributes:
        submissions: One for each file.
    """

    submissions: tuple[Submission, ...]

    @property
    def all_may_enter(self) -> bool:
        """True if every file may enter."""
        return all(submission.may_enter for submission in self.submissions)

    def __str__(self) -> str:
        """Every submission, and how many may enter."""
        return "\n\n".join([*map(str, self.submissions), _count(self.submissions)])

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: ``all_may_enter`` and ``files`` with their ``checks``."""
        return {
            "all_may_enter": self.all_may_enter,
            "files": [
                {
                    "file": str(submission.path),
                    "may_enter": submission.may_enter,
                    "checks": [vars(line) for line in submission.lines],
                }
                for submission in self.submissions
            ],
        }

    def __iter__(self) -> Iterator[Submission]:
        """Yield the submissions."""
        return iter(self.submissions)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.submissions)


def _count(submissions: Sequence[Submission]) -> str:
    entering = sum(submission.may_enter for submission in submissions)
    return f"{entering} of {count_of(len(submissions), 'file')} may enter"
