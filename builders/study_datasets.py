"""Inputs from the command line for a study's datasets, and building missing ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from builders.build import build
from builders.engine.settings import BuildSettings, FrameSettings
from builders.sources.published import AUTO
from builders.sources.source import flag
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.dataset.reader import is_built as dataset_is_built
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.studies.read import takes
from dvtr_bench.studies.study import StudyDataset
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling

_GIVEN: Final = ("annotations", "clips")
"""Options that the command line can give for a study's datasets."""


def with_inputs(
    datasets: Sequence[StudyDataset], clips: Sequence[str], annotations: Sequence[str]
) -> tuple[StudyDataset, ...]:
    """Add clips and annotations to datasets.

    Args:
        datasets: Of a study.
        clips: ``NAME=PATH`` for one dataset. A path alone is the clips if only one dataset takes
            some; otherwise it is a folder that has those of each dataset under its name, as a
            folder or a zip such as ``usrd.zip``.
        annotations: ``NAME=PATH`` for one dataset, or a path for all of them, which a builder
            looks through for a folder of the dataset's name; or ``auto``.

    Returns:
        The datasets with these options, in order.

    Raises:
        ConfigError: A dataset is not in the study or takes no such option, or an option is given
            twice.
        NotFoundError: A folder has no clips for one of several datasets.
    """
    options_by_dataset: dict[str, dict[str, Any]] = {dataset.name: {} for dataset in datasets}
    for option, texts in (("annotations", annotations), ("clips", clips)):
        takers = [dataset for dataset in datasets if option in _takes(dataset)]
        for text in texts:
            for name, value in _values_by_dataset(option, text, datasets, takers).items():
                if option in options_by_dataset[name]:
                    raise ConfigError(f"{flag(option)}: given twice for {name}")
                options_by_dataset[name][option] = value
    return tuple(
        replace(dataset, options={**dataset.options, **options_by_dataset[dataset.name]})
        for dataset in datasets
    )


def is_built(dataset: StudyDataset, root: Path) -> bool:
    """Tell whether a dataset of a study is built."""
    return dataset_is_built(dataset.place or dataset.name, root)


def require_buildable(dataset: StudyDataset, root: Path) -> None:
    """Raise if a dataset is neither built nor can be built with the given options.

    Args:
        dataset: Of a study.
        root: Folder of the datasets.

    Raises:
        NotFoundError: It cannot be built; the message says which options are missing.
    """
    if is_built(dataset, root):
        return
    if dataset.builder is None:
        open_dataset(dataset.place or dataset.name, root)  # raises with advice on building
    lacking = [
        option
        for option in _GIVEN
        if option in _takes(dataset) and option not in dataset.options
        # The captions of the user's own folder are named in the study file.
    ]
    if lacking:
        options = " ".join(f"{flag(option)} {_example(option)}" for option in lacking)
        arguments = " ".join(
            f"{flag(option)} {dataset.name}={_example(option)}" for option in lacking
        )
        raise NotFoundError(
            f"the dataset {dataset.name} is not built under {root}, and needs "
            f"{' and '.join(map(flag, lacking))}. Give them here ({arguments}), or build it first: "
            f"dvtr-bench build {dataset.builder} {options} --name {dataset.name}"
        )


def open_or_build(dataset: StudyDataset, root: Path) -> BuiltDataset:
    """Open a dataset of a study, or build it first.

    Args:
        dataset: The dataset with the options of its builder.
        root: Folder of the datasets.

    Returns:
        The dataset, with frames.

    Raises:
        DvtrError: It cannot be built; the message says why.
    """
    require_buildable(dataset, root)
    if dataset.builder is None or is_built(dataset, root):
        return open_dataset(dataset.place or dataset.name, root)
    frames = FrameSettings(
        Sampling.parse(dataset.sampling),
        FrameFormat(dataset.format),  # type: ignore[arg-type]
    )
    settings = BuildSettings(
        root=root,
        name=dataset.name,
        frames=frames,
        missing=dataset.missing,  # type: ignore[arg-type]
    )
    return build(dataset.builder, dataset.options, settings).dataset


def _takes(dataset: StudyDataset) -> Sequence[str]:
    return () if dataset.builder is None else takes(dataset.builder)


def _values_by_dataset(
    option: str, text: str, datasets: Sequence[StudyDataset], takers: Sequence[StudyDataset]
) -> Mapping[str, Any]:
    """Return what an option gives each dataset."""
    name, equals, path = text.partition("=")
    datasets_named = [dataset for dataset in datasets if dataset.name == name]
    if equals and datasets_named:
        if datasets_named[0] not in takers:
            raise ConfigError(f"{flag(option)} {text}: {name} takes none")
        return {name: _path(option, path)}
    if not takers:
        raise ConfigError(f"{flag(option)} {text}: no dataset of the study takes any")
    if option == "clips" and len(takers) > 1:
        return {taker.name: _clips_of(taker.name, Path(text)) for taker in takers}
    return {taker.name: _path(option, text) for taker in takers}


def _clips_of(name: str, folder: Path) -> Path:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    entries_found = [entry for entry in entries if entry.name.lower() in (name, f"{name}.zip")]
    if not entries_found:
        raise NotFoundError(
            f"--clips {folder}: expected a folder {name} or a zip {name}.zip in it, the clips of "
            f"one dataset of the study; or name them: --clips {name}=PATH"
        )
    return entries_found[0]


def _path(option: str, text: str) -> Path | str:
    return AUTO if option == "annotations" and text == AUTO else Path(text)


def _example(option: str) -> str:
    return AUTO if option == "annotations" else "PATH"
