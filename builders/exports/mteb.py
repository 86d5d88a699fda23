"""Retrieval tasks for mteb: a folder for each direction, with tables, code and a card.

``NAME-t2v`` and ``NAME-v2t`` are repositories that can be uploaded as they are, and tasks that mteb
runs from where they stand. Each has the configs ``corpus``, ``queries`` and ``qrels`` with the test
split, and a Python file with the task, a class on mteb's ``AbsTaskRetrieval``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builders.documents.card import CARD_NAME
from builders.engine.native_clips import clip_file_name
from builders.mteb_tasks.card import make_card
from builders.mteb_tasks.tables import SPLIT, Pixels, write_tables
from builders.mteb_tasks.task_file import module_name, task_source
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.dataset.mteb_tasks import TASK_DIRECTIONS
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reports.thumbnails import may_be_shown
from dvtr_bench.runtime.files import folder_written_beside, written_together

_PRIVATE: Final = (
    "No named licence allows to pass the footage on: keep this repository private, or on your disk."
)
_NO_CLIPS: Final = (
    "the clips are left out, since no named licence allows to publish them: the tasks have the "
    "stored frames. --private puts the clips in, for your own use"
)


@dataclass(frozen=True)
class Options:
    """What can be chosen.

    Attributes:
        frames: Take the stored frames even where the dataset keeps its clips.
        private: The folders are for the user's own use: no licence is needed.
        progress: Show progress bars.
    """

    frames: bool = False
    private: bool = False
    progress: bool = True


def export(
    dataset: BuiltDataset, folder: Path, options: Options = Options()
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Write the tasks of a dataset.

    Args:
        dataset: The dataset.
        folder: Where the folders of the tasks are made; those of before are replaced.
        options: What to write.

    Returns:
        The folders, and notes for the user.

    Raises:
        NotFoundError: It has no frames, or no test split with captions.
        InputError: No licence allows to publish its frames, and it is not for private use.
        WriteError: A folder cannot be written.
    """
    manifest = dataset.manifest
    _require_usable(dataset)
    pixels, notes = _pixels(manifest, options)
    remarks = (_PRIVATE,) if options.private and not may_be_shown(manifest.licence) else ()
    split = dataset.split(SPLIT)
    folders = []
    with written_together():
        for direction in TASK_DIRECTIONS:
            place = folder / clip_file_name(manifest.name, f"-{direction}")
            with folder_written_beside(place) as beside:
                files = write_tables(
                    split, direction, pixels, beside, show_progress=options.progress
                )
                texts = {
                    CARD_NAME: make_card(manifest, direction, pixels, files, remarks),
                    f"{module_name(manifest.name, direction)}.py": task_source(
                        manifest, direction, pixels
                    ),
                }
                for name, text in texts.items():
                    (beside / name).write_text(text, encoding="utf-8", newline="\n")
            folders.append(place)
    return tuple(folders), notes


def _require_usable(dataset: BuiltDataset) -> None:
    manifest = dataset.manifest
    if manifest.frames is None:
        raise NotFoundError(
            f"{dataset.folder} was built with --annotations-only and has no videos to give: build "
            "it again with --clips DIR"
        )
    split = manifest.splits.get(SPLIT)
    if split is None or not split.num_captions:
        raise NotFoundError(
            f"{dataset.folder} has no {SPLIT} split with captions, which is what a task evaluates: "
            f"it has {', '.join(manifest.splits)}"
        )


def _pixels(manifest: Manifest, options: Options) -> tuple[Pixels, tuple[str, ...]]:
    """Choose what stands for a video, by what is kept, what is wanted and what is allowed."""
    notes: tuple[str, ...] = ()
    pixels: Pixels = "clips" if manifest.keeps_clips and not options.frames else "frames"
    if options.private:
        return pixels, notes
    if pixels == "clips" and not may_be_shown(manifest.licence):
        pixels, notes = "frames", (_NO_CLIPS,)
    is_of_others = any(source.url is not None for source in manifest.sources)
    if manifest.licence.id == "unknown" and is_of_others:
        raise InputError(
            f"{manifest.name} holds frames of others' footage, and no licence allows to publish "
            f"them. {manifest.licence.statement} Say --private for tasks of your own use"
        )
    return pixels, notes
