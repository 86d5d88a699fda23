"""Datasets from Python: open one that is built, or build one."""

import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.reader import ROOT, BuiltDataset
from dvtr_bench.dataset.reader import open_dataset as open_built

if TYPE_CHECKING:
    from builders.build import Build
    from builders.engine.settings import FrameSettings

DatasetLike: TypeAlias = str | Path | BuiltDataset
"""A name, a folder, or an open dataset."""


def open_dataset(dataset: str | Path, root: str | Path = ROOT) -> BuiltDataset:
    """Open a built dataset.

    Args:
        dataset: A name (``usrd`` means ``dvtr/usrd`` in the working folder), one of its versions
            (``mine@1.0.0``) or a folder.
        root: Folder in which names are looked up.

    Returns:
        The dataset. ``dataset["test"]`` is a split, which is a sequence of its videos.

    Raises:
        NotFoundError: There is none; the message lists existing datasets and says how to build one.
        InputError: Its manifest is not readable, too new or too old.

    Example:
        >>> import dvtr_bench as dvtr
        >>> dataset = dvtr.open_dataset("toy")
        >>> list(dataset)
        ['train', 'validation', 'test']
        >>> split = dataset["test"]
        >>> len(split), len(split.captions)
        (10, 20)
        >>> video = split[0]
        >>> video.video_id, video.captions[0]
        ('clip 8', 'the number 8 and 24 trees')
        >>> video.frames[0].shape
        (224, 298, 3)
    """
    return open_built(dataset, Path(root))


def build(
    dataset: str,
    *,
    name: str | None = None,
    root: str | Path = ROOT,
    sampling: str = "12",
    format: str = "jpeg",
    annotations_only: bool = False,
    keep_clips: bool = False,
    missing: str = "stop",
    overwrite: bool = False,
    move_test_clips: bool = False,
    reuse: bool = True,
    workers: int | None = None,
    executor: str = "local",
    address: str | None = None,
    clip_seconds_limit: float = 600.0,
    near_duplicates: bool = True,
    show_progress: bool = True,
    report: "Callable[[Build], None] | None" = None,
    **options: object,
) -> BuiltDataset:
    """Build a dataset from clips and captions, or open it if it is already built.

    Called again, an interrupted build continues where it stopped.

    Args:
        dataset: A file of ``builders/datasets``, such as ``usrd``, ``aerosynth`` or ``folder`` for
            your own clips.
        name: Name of the dataset and of its folder; None for the default.
        root: The folder in which it is built.
        sampling: Frames to store: ``12`` for the middles of 12 equal segments, ``1fps`` for one per
            second.
        format: ``jpeg``, or ``png`` for bit-exact frames.
        annotations_only: Only captions, splits and qrels, no frames.
        keep_clips: Store the files of the clips too, byte for byte, as config ``clips``.
        missing: ``stop`` at missing or broken clips, or ``drop`` them and say so in the card.
        overwrite: Replace another dataset of that name.
        move_test_clips: Go on where clips would leave the test split of the dataset that is
            replaced, or of the version before.
        reuse: Take the frames of clips whose bytes did not change from other versions of the
            dataset; the result is the same to the byte.
        workers: Number of decoding processes; by default one per core; 0 decodes in this process.
        executor: ``local``, or ``ray`` to decode on all machines of a Ray cluster.
        address: Of the Ray cluster; None for the one that this machine is in.
        clip_seconds_limit: Time limit for decoding a clip; a slower one counts as broken.
        near_duplicates: Look for clips of different splits that look alike, and report them.
        show_progress: Whether to show progress bars.
        report: Called with the outcome of the build, including left-out clips;
            `builders.summary.print_summary` prints it.
        **options: Options of the dataset, such as ``clips``, ``captions``, ``annotations`` or
            ``size``; ``dvtr-bench build NAME --help`` lists them. Paths can be strings.

    Returns:
        The dataset.

    Raises:
        NotFoundError: There is no such dataset, or its input is missing.
        ConfigError: An option is unknown, or a required one is missing.
        InputError: Captions or splits are inconsistent.
        BuildError: Clips are missing, the output folder holds something else, the disk is full.

    Example:
        >>> import dvtr_bench as dvtr
        >>> dataset = dvtr.build("folder", captions="captions.csv", name="mine",
        ...                      annotations_only=True, show_progress=False)
        >>> dataset.name, str(dataset.folder), len(dataset["train"].captions)
        ('mine', 'dvtr/mine', 12)
    """
    from builders.build import build as build_dataset
    from builders.engine.settings import BuildSettings

    settings = BuildSettings(
        root=Path(root),
        name=name,
        frames=None if annotations_only else _frames(sampling, format),
        keep_clips=keep_clips,
        missing=missing,  # type: ignore[arg-type]
        overwrite=overwrite,
        move_test_clips=move_test_clips,
        reuse=reuse,
        workers=workers,
        executor=executor,  # type: ignore[arg-type]
        address=address,
        clip_seconds_limit=clip_seconds_limit,
        near_duplicates=near_duplicates,
        progress=show_progress,
    )
    built = build_dataset(dataset, _with_paths(DATASETS.load(dataset).Options, options), settings)
    if report is not None:
        report(built)
    return built.dataset


def as_dataset(dataset: DatasetLike, root: str | Path = ROOT) -> BuiltDataset:
    """Return an open dataset unchanged, or open it by name or folder."""
    return dataset if isinstance(dataset, BuiltDataset) else open_dataset(dataset, root)


def _frames(sampling: str, kind: str) -> "FrameSettings":
    from builders.engine.settings import FrameSettings
    from dvtr_bench.video.frame_store import FrameFormat
    from dvtr_bench.video.sampling import Sampling

    return FrameSettings(Sampling.parse(sampling), FrameFormat(kind))  # type: ignore[arg-type]


def _with_paths(kind: type, options: Mapping[str, object]) -> dict[str, Any]:
    """Turn strings into paths if an option takes one, except words such as ``auto``."""
    hints = typing.get_type_hints(kind)
    return {
        name: Path(value) if isinstance(value, str) and _is_path(hints.get(name), value) else value
        for name, value in options.items()
    }


def _is_path(hint: object, value: str) -> bool:
    parts = typing.get_args(hint) or (hint,)
    words = [word for part in parts for word in typing.get_args(part)]
    return Path in parts and str not in parts and value not in words
