"""What is said of a dataset, a model and groups of queries, before a run and in its record."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, runtime_checkable

from dvtr_bench.catalog import BREAKDOWNS
from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.dataset.measures import FrameMeasures
from dvtr_bench.dataset.parquet_split import DatasetSplit, stored_sizes
from dvtr_bench.errors import ExtensionError
from dvtr_bench.models.retriever import Described, ReadsTokens
from dvtr_bench.ranking.ceilings import CutCaptions, cut_captions
from dvtr_bench.ranking.rank_table import Groups
from dvtr_bench.results.record import DatasetFacts, ModelFacts, TrainingFacts
from dvtr_bench.runtime.processes import ALONE, Processes
from dvtr_bench.video.model_view import FrameFit, Part, seen_share, seen_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames, Retriever
    from dvtr_bench.ranking.relevance import Relevance


def dataset_facts(
    split: "RetrievalSplit", relevance: "Relevance", frames_per_video: int | None
) -> DatasetFacts:
    """Describe the dataset.

    Args:
        split: The split.
        relevance: Relevance of the split.
        frames_per_video: Largest number of frames of a video; None if no frames were read.

    Returns:
        The description for the record.
    """
    return DatasetFacts(
        name=split.dataset_name,
        version=split.dataset_version,
        fingerprint=split.fingerprint,
        split=split.name,
        sampling=split.sampling,
        frames_per_video=frames_per_video,
        num_videos=relevance.num_videos,
        num_captions=relevance.num_captions,
        num_videos_without_captions=relevance.num_videos - len(relevance.query_videos),
        gallery_sha256=ids_sha256(split.video_ids),
        queries_sha256=ids_sha256(split.caption_ids),
    )


def model_facts(
    retriever: "Retriever",
    *,
    checkpoint_sha256: str | None,
    seeds: Sequence[int],
    training: TrainingFacts | None,
) -> ModelFacts:
    """Describe the model.

    Args:
        retriever: The model. If it has ``describe()``, the record contains its ``config``,
            ``parameters`` (their number) and ``backbone`` (``source`` and ``weights_sha256``);
            otherwise its attribute ``config``, if that is a dataclass.
        checkpoint_sha256: SHA-256 of the loaded weights; None if none were loaded.
        seeds: Seeds with which it was trained.
        training: How it was trained; None if unknown or untrained.

    Returns:
        The description for the record.
    """
    told = described(retriever)
    backbone = told.get("backbone")
    source: Mapping[str, Any] = backbone if isinstance(backbone, Mapping) else {}
    return ModelFacts(
        name=retriever.name,
        config=dict(told.get("config", {})),
        num_parameters=told.get("parameters"),
        checkpoint_sha256=checkpoint_sha256,
        backbone=source.get("source") or source.get("architecture"),
        backbone_sha256=source.get("weights_sha256"),
        seeds=tuple(seeds),
        training=training,
    )


def captions_cut(retriever: "Retriever", split: "RetrievalSplit") -> CutCaptions | None:
    """Count the captions of a split that a model reads in part.

    Args:
        retriever: The model.
        split: The split.

    Returns:
        The counts; None where it reads all captions whole, or cannot say.
    """
    if not isinstance(retriever, ReadsTokens):
        return None
    read, is_cut = retriever.tokens_read(split.captions)
    if not is_cut.any():
        return None
    return cut_captions(read, is_cut, split.captions, split.caption_video_index)


def described(retriever: "Retriever") -> Mapping[str, Any]:
    """Return a model's description: `describe()`, or its ``config`` without such a method."""
    if isinstance(retriever, Described):
        return retriever.describe()
    config = getattr(retriever, "config", None)
    if is_dataclass(config) and not isinstance(config, type):
        return {"config": asdict(config)}
    return {}


class Origin(TypedDict):
    """The origin of a model's weights, for the record of an evaluation.

    Attributes:
        checkpoint_sha256: SHA-256 of the loaded weights; None if none were loaded.
        seeds: Seeds with which the model was trained.
        training: How it was trained; None if unknown or untrained.
    """

    checkpoint_sha256: str | None
    seeds: tuple[int, ...]
    training: TrainingFacts | None


def origin_of(description: Mapping[str, Any]) -> Origin:
    """Describe the origin of weights.

    Args:
        description: The config.json of their checkpoint; empty for a model without one.

    Returns:
        The origin for the record.
    """
    seed = description.get("training", {}).get("recipe", {}).get("seed")
    return Origin(
        checkpoint_sha256=description.get("weights_sha256"),
        seeds=() if seed is None else (seed,),
        training=training_facts(description),
    )


def training_facts(description: Mapping[str, Any]) -> TrainingFacts | None:
    """Describe the training of a checkpoint.

    Args:
        description: Its config.json; empty for a model without a checkpoint.

    Returns:
        The description for the record; None if the checkpoint does not have it.
    """
    training = description.get("training", {})
    if not {"dataset", "recipe", "epoch", "validation_t2v_r1"} <= training.keys():
        return None
    return TrainingFacts(
        dataset=training["dataset"]["name"],
        fingerprint=training["dataset"]["fingerprint"],
        recipe=training["recipe"],
        epoch=training["epoch"],
        validation_t2v_r1=training["validation_t2v_r1"],
        version=training["dataset"].get("version"),
    )


@runtime_checkable
class SeesSquares(Protocol):
    """A model that makes every frame square, and can say which part of it is seen."""

    @property
    def frame_fit(self) -> FrameFit:
        """How frames are made square."""
        ...

    def part_seen(self, height: int, width: int) -> Part:
        """Return where the square lies on a frame, see `dvtr_bench.video.model_view.seen_part`."""
        ...


def seen_statement(model: object, split: "RetrievalSplit") -> str | None:
    """Say how much of the frames of a split a model sees.

    Args:
        model: Any model.
        split: The split.

    Returns:
        A sentence; None for a model that cannot say it, or a split that is not of a built dataset.
    """
    if not isinstance(model, SeesSquares) or not isinstance(split, DatasetSplit):
        return None
    if not split.has_frames or not len(split):
        return None
    shares = [seen_share(model.part_seen(*size)) for size in stored_sizes(split)]
    text = f"the model sees {seen_text(shares, model.frame_fit)}"
    if "the middle" in text and hasattr(getattr(model, "config", None), "frame_fit"):
        text += "; --set frame_fit=squash or letterbox shows all of it"
    return text


def frame_measures(split: "RetrievalSplit") -> FrameMeasures:
    """Return the frame measures of all breakdowns, to be computed while frames are decoded.

    Args:
        split: The split.

    Returns:
        The measures that are not cached yet.
    """
    functions: dict[str, Callable[[Frames], float]] = {}
    for module in BREAKDOWNS.load_all().values():
        functions.update(getattr(module, "FRAME_MEASURES", {}))
    return FrameMeasures(split, functions)


def split_groups(
    split: "RetrievalSplit", *, processes: Processes = ALONE, show_progress: bool = True
) -> dict[str, Groups]:
    """Group the captions or videos of a split along every axis of `breakdowns/`.

    Args:
        split: The split.
        processes: The processes that share the work; the first one computes the groups.
        show_progress: Whether to show a progress bar while frames are decoded.

    Returns:
        Groups by axis, without axes that do not apply to this split.
    """
    found: dict[str, Groups] = {}
    if processes.is_first:
        for axis, module in BREAKDOWNS.load_all().items():
            groups = module.groups(split, show_progress)
            if groups is None:
                continue
            if not isinstance(groups, Groups):
                raise ExtensionError(
                    f"{BREAKDOWNS.entry(axis).place}: groups gives {type(groups).__name__}: "
                    "expected dvtr_bench.ranking.rank_table.Groups, or None where the axis says "
                    "nothing"
                )
            found[axis] = groups
    shared: dict[str, Groups] = processes.gathered(found)[0]
    return shared
