"""Names of benchmark tasks on the Hugging Face Hub: one figure of one direction of one split.

A dataset's ``eval.yaml`` lists its tasks; an entry of a model's ``.eval_results`` names one.
Source: the page "Evaluation Results" of the Hub's documentation (huggingface/hub-docs).
"""

import re
from collections.abc import Iterator
from typing import Final

from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.ranking.figures import BOTH, figure_names

FRAMEWORK: Final = "dvtr-bench"
"""Name of the evaluation framework in ``eval.yaml``."""


def task_name(split: str, direction: str, figure: str, post_processing: str = "none") -> str:
    """Return the id of the task of one figure.

    Args:
        split: Such as ``test``.
        direction: ``t2v``, ``v2t``, ``v2t_caption`` or ``both``.
        figure: Such as ``R@1``.
        post_processing: Of the scores; its name is added unless it is ``none``, since such results
            must not share a table with others.

    Returns:
        Lower-case letters, digits and ``_``.

    Example:
        >>> task_name("test", "t2v", "R@1")
        'test_t2v_r1'
    """
    parts = [split, direction, figure.replace("@", "")]
    if post_processing != "none":
        parts.append(post_processing)
    return re.sub(r"[^a-z0-9]+", "_", "_".join(parts).lower())


def task_names(split: str) -> Iterator[str]:
    """Yield the ids of all tasks of a split, without post-processing."""
    for direction in DIRECTIONS:
        for figure in figure_names():
            yield task_name(split, direction, figure)
    for figure in ("mR", "RSum"):
        yield task_name(split, BOTH, figure)
