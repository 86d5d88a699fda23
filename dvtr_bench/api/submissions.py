"""Submissions from Python: whether results of others may enter the leaderboard."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaderboard.submissions.report import SubmissionReport

ENTERED = Path("leaderboard/results")
"""Where results that have entered stand in a clone of the repository."""


def check_submissions(
    results: str | Path | Iterable[str | Path], *, entered: str | Path = ENTERED
) -> "SubmissionReport":
    """Check whether result files may enter the leaderboard, and say why not.

    Args:
        results: A result file, a folder of them, or several of either.
        entered: Folder of the results that have entered, to find runs entered twice; it need not
            exist.

    Returns:
        For each file the checks, one line each: ``PASS``, ``FAIL``, or ``CLAIMED`` for what the
        file says and its ranks cannot show. A file that cannot be read fails; it raises nothing.

    Raises:
        NotFoundError: A path does not exist, or there is no result file.

    Example:
        >>> import dvtr_bench as dvtr
        >>> report = dvtr.check_submissions("results")
        >>> report.all_may_enter
        False
        >>> failed = {line.check: line.reason for line in report.submissions[0].lines
        ...           if line.status == "FAIL"}
        >>> failed["dataset"][:27]
        'unknown dataset fingerprint'
    """
    from leaderboard.submissions.check import check_submissions as check

    paths = [results] if isinstance(results, str | Path) else list(results)
    return check(paths, entered=Path(entered))
