"""`eval.yaml`: registers a dataset repository as a benchmark of the Hugging Face Hub.

It belongs to the repository, not to the dataset: a push writes it, and a version that was published
without it counts as the same. The Hub reads ``name``, ``description``, ``evaluation_framework`` and
``tasks``, each with ``id``, ``config`` and ``split``. It shows a leaderboard once it has put the
dataset on its list. Source: the page "Evaluation Results" of the Hub's documentation.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from builders.publishing.local_files import LocalFile
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.results.hub_tasks import FRAMEWORK, task_names

EVAL_NAME: Final = "eval.yaml"

_SPLIT: Final = "test"


def eval_content(manifest: Manifest) -> dict[str, Any] | None:
    """Return what ``eval.yaml`` says of a dataset.

    Args:
        manifest: Of the dataset.

    Returns:
        YAML values; None for a dataset without a test split to search.
    """
    split = manifest.splits.get(_SPLIT)
    if split is None or not split.num_captions:
        return None
    return {
        "name": manifest.pretty_name,
        "description": (
            f"{manifest.summary} Text-to-video and video-to-text retrieval on "
            f"{split.num_videos:,} test videos with {split.num_captions:,} captions, by the recall "
            "protocol of dvtr-bench."
        ),
        "evaluation_framework": FRAMEWORK,
        "tasks": [
            {"id": name, "config": "default", "split": _SPLIT} for name in task_names(_SPLIT)
        ],
    }


def write_eval_file(manifest: Manifest, folder: Path) -> LocalFile | None:
    """Write ``eval.yaml``.

    Args:
        manifest: Of the dataset.
        folder: Where to.

    Returns:
        The file; None for a dataset without a test split to search.
    """
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]

    content = eval_content(manifest)
    if content is None:
        return None
    path = folder / EVAL_NAME
    data = yaml_dump(content, sort_keys=False).encode()
    path.write_bytes(data)
    return LocalFile(EVAL_NAME, path, len(data), hashlib.sha256(data).hexdigest())
