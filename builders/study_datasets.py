"""The datasets of a study: what the command line gives for them, and building those not there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from builders.build import build
from builders.engine.settings import BuildSettings, FrameSettings
from builders.options import flag
from builders.sources.published import AUTO
from dvtr_bench.dataset.manifest import MANIFEST_NAME
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.studies.read_datasets import takes
from dvtr_bench.studies.study import StudyDataset
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling

_GIVEN: Final = ("annotations", "clips")
"""Options that the command line may give for a study's datasets."""


def with_inputs(
    datasets: Sequence[StudyDataset], clips: Sequence[str], annotations: Sequence[str]
) -> tuple[StudyDataset, ...]:
    """Give datasets their clips and annotations.

    Args:
        datasets: Of a study.
        clips: ``NAME=PATH`` for one dataset. A path alone is the clips where one dataset takes
            some, and else a folder that holds those of each dataset under its name: a folder, or
            a zip such as ``usrd.zip``.
        annotations: ``NAME=PATH`` for one dataset, or a path for all of them, which a builder
            looks through for a folder of the dataset's name; or ``auto``.

    Returns:
        The datasets with these options, in order.

    Raises:
        ConfigError: A dataset that is not in the study or takes no such option, or one given twice.
        NotFoundError: A folder without clips for one of several datasets.
    """
    given: dict[str, dict[str, Any]] = {dataset.name: {} for dataset in datasets}
    for option, texts in (("annotations", annotations), ("clips", clips)):
        takers = [dataset for dataset in datasets if option in _takes(dataset)]
        for text in texts:
            for name, value in _named(option, text, datasets, takers).items():
                if option in given[name]:
                    raise ConfigError(f"{flag(option)}: given twice for {name}")
                given[name][option] = value
    return tuple(
        replace(dataset, options={**dataset.options, **given[dataset.name]}) for dataset in datasets
    )


def is_built(dataset: StudyDataset, root: Path) -> bool:
    """Say whether a dataset of a study is there."""
    place = dataset.place or dataset.name
    return any((folder / MANIFEST_NAME).is_file() for folder in (root / place, Path(place)))


def require_buildable(dataset: StudyDataset, root: Path) -> None:
    """Refuse a dataset that is neither there nor can be built with what is given for it.

    Args:
        dataset: Of a study.
        root: Folder that datasets go to.

    Raises:
        NotFoundError: Says what to build, or to give.
    """
    if is_built(dataset, root):
        return
    if dataset.builder is None:
        open_dataset(dataset.place or dataset.name, root)  # says how one is built
    lacking = [
        option
        for option in _GIVEN
        if option in _takes(dataset) and option not in dataset.options
        # A folder of one's own has its captions in the study file.
    ]
    if lacking:
        options = " ".join(f"{flag(option)} {_example(option)}" for option in lacking)
        named = " ".join(f"{flag(option)} {dataset.name}={_example(option)}" for option in lacking)
        raise NotFoundError(
            f"the dataset {dataset.name} is not built under {root}, and needs "
            f"{' and '.join(map(flag, lacking))}. Give them here ({named}), or build it first: "
            f"dvtr-bench build {dataset.builder} {options} --name {dataset.name}"
        )


def open_or_build(dataset: StudyDataset, root: Path) -> BuiltDataset:
    """Open a dataset of a study, or build it where it is not there.

    Args:
        dataset: With all that its builder needs.
        root: Folder that datasets go to.

    Returns:
        The dataset, with frames.

    Raises:
        DvtrError: It cannot be built; says why.
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


def _named(
    option: str, text: str, datasets: Sequence[StudyDataset], takers: Sequence[StudyDataset]
) -> Mapping[str, Any]:
    """Return what an option gives each dataset."""
    name, equals, path = text.partition("=")
    named = [dataset for dataset in datasets if dataset.name == name]
    if equals and named:
        if named[0] not in takers:
            raise ConfigError(f"{flag(option)} {text}: {name} takes none")
        return {name: _path(option, path)}
    if not takers:
        raise ConfigError(f"{flag(option)} {text}: no dataset of the study takes any")
    if option == "clips" and len(takers) > 1:
        return {taker.name: _clips_of(taker.name, Path(text)) for taker in takers}
    return {taker.name: _path(option, text) for taker in takers}


def _clips_of(name: str, folder: Path) -> Path:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [entry for entry in entries if entry.name.lower() in (name, f"{name}.zip")]
    if not found:
        raise NotFoundError(
            f"--clips {folder}: expected a folder {name} or a zip {name}.zip in it, the clips of "
            f"one dataset of the study; or name them: --clips {name}=PATH"
        )
    return found[0]


def _path(option: str, text: str) -> Path | str:
    return AUTO if option == "annotations" and text == AUTO else Path(text)


def _example(option: str) -> str:
    return AUTO if option == "annotations" else "PATH"
