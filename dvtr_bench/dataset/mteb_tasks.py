"""The two retrieval tasks of a dataset as mteb has them: their names, and what it tells a model.

A model that follows instructions gives other vectors for another instruction. So the tasks that we
export and the models of mteb that we evaluate ourselves take theirs from here.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

TaskDirection: TypeAlias = Literal["t2v", "v2t"]
"""``t2v``: captions are the queries; ``v2t``: videos are. Also mteb's name of the category."""

TASK_DIRECTIONS: Final[tuple[TaskDirection, ...]] = ("t2v", "v2t")

TASK_TYPE: Final = "Any2AnyRetrieval"
"""mteb's type of a retrieval task of other things than texts."""

QUERY_PROMPTS: Final[Mapping[TaskDirection, str]] = {
    "t2v": "Find the video clip that matches the given caption.",
    "v2t": "Find the caption that describes the following video.",
}
"""The instruction for queries. Source: mteb's own tasks on MSR-VTT, ``MSRVTTT2V`` and ``V2T``."""


def mteb_task_name(dataset: str, direction: TaskDirection) -> str:
    """Return the name of a dataset's task in mteb, which is a class of Python too.

    Args:
        dataset: Name of the dataset.
        direction: Which task.

    Returns:
        Letters and digits, the first a letter.

    Example:
        >>> mteb_task_name("aerosynth-small", "t2v")
        'AerosynthSmallT2V'
    """
    words = re.findall("[A-Za-z0-9]+", dataset)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return f"{name if name[:1].isalpha() else f'Dataset{name}'}{direction.upper()}"
