"""The card of a task's repository: YAML that datasets reads, prose that people read."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from unicodedata import category

from builders.mteb_tasks.tables import SPLIT, Pixels
from builders.mteb_tasks.task_file import module_name
from dvtr_bench.dataset.manifest import Manifest, licence_fields
from dvtr_bench.dataset.mteb_tasks import TaskDirection, mteb_task_name
from dvtr_bench.reports.others_text import safe_block, safe_markdown, safe_prose
from dvtr_bench.runtime.terminal import printable_lines

_WAYS: Final[Mapping[TaskDirection, str]] = {
    "t2v": "Each caption is a query, the videos are the candidates.",
    "v2t": "Each video that has captions is a query, the captions are the candidates, and all "
    "captions of the video are relevant. `hit_rate_at_k` counts the best of them among captions; "
    "`caption_set_hit_rate_at_k` ranks sets of captions, as papers on video retrieval do.",
}

_OURS: Final[Mapping[TaskDirection, str]] = {
    "t2v": "`hit_rate_at_1`, `_5` and `_10` are R@1, R@5 and R@10 of `t2v` in dvtr-bench",
    "v2t": "`hit_rate_at_1`, `_5` and `_10` are R@1, R@5 and R@10 of `v2t_caption` in dvtr-bench, "
    "and `caption_set_hit_rate_at_1`, `_5` and `_10` those of `v2t`",
}

_PIXELS: Final[Mapping[Pixels, str]] = {
    "clips": "Videos are the files of the clips, as they were when the dataset was built; reading "
    "them needs torchcodec and FFmpeg. A model samples frames of its own, so its figures are not "
    "those of dvtr-bench, which evaluates the frames that the dataset stores.",
    "frames": "Videos are the frames that the dataset stores, in order of time.",
}


def make_card(
    manifest: Manifest,
    direction: TaskDirection,
    pixels: Pixels,
    files: Mapping[str, Sequence[str]],
    remarks: Sequence[str],
) -> str:
    """Write the card.

    Args:
        manifest: The dataset.
        direction: Which task.
        pixels: What stands for a video.
        files: Paths of the tables, by config.
        remarks: Sentences on what may be done with the repository.

    Returns:
        The text of ``README.md``.
    """
    from huggingface_hub import DatasetCardData

    split = manifest.splits[SPLIT]
    task = mteb_task_name(manifest.name, direction)
    about: dict[str, Any] = {
        "pretty_name": f"{manifest.pretty_name}, {direction}",
        "language": [manifest.language],
        **licence_fields(manifest),
        "task_categories": ["text-to-video" if direction == "t2v" else "video-text-to-text"],
        "tags": ["mteb", "video", "dvtr-bench"],
        "configs": [
            {"config_name": config, "data_files": [{"split": SPLIT, "path": list(paths)}]}
            for config, paths in files.items()
        ],
    }
    lines = DatasetCardData(**about).to_yaml().split("\n")
    yaml = "\n".join("".join(" " if category(x)[0] == "C" else x for x in line) for line in lines)
    module = module_name(manifest.name, direction)
    parts = [
        f"# {safe_markdown(manifest.pretty_name)}: {task}",
        f"{safe_prose(manifest.summary)} The test split as a retrieval task of mteb: "
        f"{split.num_videos:,} videos, {split.num_captions:,} captions.",
        f"{_WAYS[direction]} {_PIXELS[pixels]}",
        *map(safe_prose, remarks),
        f"```python\nimport mteb\nfrom {module} import {task}\n\n"
        f'mteb.evaluate(model, {task}(), prediction_folder="predictions")\n```',
        f"Where no two scores of a query are equal, {_OURS[direction]}, for the same vectors of "
        "the same frames. Equal scores are in the order of ids in mteb, and count against the "
        "model in dvtr-bench.",
        f"Of {safe_markdown(manifest.name)} {safe_markdown(manifest.version)}, fingerprint "
        f"`{manifest.fingerprint}`, made by {safe_markdown(manifest.built_with)}.",
        safe_prose(manifest.licence.statement),
        safe_block(manifest.citation, "bibtex") if manifest.citation else "",
    ]
    prose = "\n\n".join(filter(None, parts))
    return f"---\n{yaml}\n---\n\n{printable_lines(prose)}\n"
