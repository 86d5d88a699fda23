"""What the record of a run states of the dataset and of the model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.models.retriever import Described
from dvtr_bench.results.record import DatasetFacts, ModelFacts, TrainingFacts

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Retriever
    from dvtr_bench.ranking.relevance import Relevance


def dataset_facts(
    split: "RetrievalSplit", relevance: "Relevance", frames_per_video: int | None
) -> DatasetFacts:
    """Describe what was searched.

    Args:
        split: The split.
        relevance: Of the split.
        frames_per_video: Most frames that a video had; None when no frames were read.

    Returns:
        What the record states.
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
    """Describe what scored, from what the model says of itself.

    Args:
        retriever: The model. Of ``describe()``, where it has one, the record takes ``config``,
            ``parameters`` (their number) and ``backbone`` (``source`` and ``weights_sha256``).
        checkpoint_sha256: Of the weights that were loaded; None when none were.
        seeds: Seeds that it was trained with.
        training: How it was trained; None when it was not, or not here.

    Returns:
        What the record states.
    """
    told = retriever.describe() if isinstance(retriever, Described) else {}
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


class Origin(TypedDict):
    """Where the weights of a model come from, for the record of an evaluation.

    Attributes:
        checkpoint_sha256: Of the weights; None where none were loaded.
        seeds: Seeds that the model was trained with.
        training: How it was trained; None when it was not, or not here.
    """

    checkpoint_sha256: str | None
    seeds: tuple[int, ...]
    training: TrainingFacts | None


def origin_of(description: Mapping[str, Any]) -> Origin:
    """Describe where weights come from.

    Args:
        description: The config.json of their checkpoint; empty for a model without one.

    Returns:
        What the record states.
    """
    seed = description.get("training", {}).get("recipe", {}).get("seed")
    return Origin(
        checkpoint_sha256=description.get("weights_sha256"),
        seeds=() if seed is None else (seed,),
        training=training_facts(description),
    )


def training_facts(description: Mapping[str, Any]) -> TrainingFacts | None:
    """Describe how a checkpoint came about.

    Args:
        description: Its config.json; empty for a model without a checkpoint.

    Returns:
        What the record states; None where the checkpoint does not say.
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
    )
