"""Models from Python: load a model, or find the weights for a name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import ConfigError
from dvtr_bench.evaluation.run import Weights, plan_evaluation, require_unseen
from dvtr_bench.models.entry import model_entry
from dvtr_bench.runtime.checkpoint import checkpoint_folder, read_checkpoint_config
from dvtr_bench.settings import parse_settings, typed_settings

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.models.retriever import Retriever

WeightsLike: TypeAlias = str | Path | TrainedRun | Weights
"""A model's name, a checkpoint or run folder, a finished training, or weights found before."""

Settings: TypeAlias = Mapping[str, object] | Sequence[str]
"""By name, or as on the command line: ``["pooling=mean"]``."""


def load_model(
    model: WeightsLike,
    *,
    dataset: DatasetLike | None = None,
    backbone: str | None = None,
    settings: Settings = (),
    device: str = "auto",
    runs: str | Path = "runs",
    root: str | Path = ROOT,
) -> "Retriever":
    """Load a model, ready to encode and score.

    Args:
        model: A checkpoint or run folder (`pathlib.Path`), a result of `train`, or a model's name:
            an untrained one such as ``clip_zeroshot``, or one trained on ``dataset``, of
                which the newest checkpoint is taken.
        dataset: Training dataset of a model given by name; None for an untrained model.
        backbone: Backbone of an untrained model: ``ARCHITECTURE/WEIGHTS`` of open_clip,
            ``ARCHITECTURE/PATH``, or ``tiny``, which comes with the package; None for the model's
            own default.
        settings: Further settings of an untrained model.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        runs: Folder of training runs.
        root: Folder in which a dataset's name is looked up.

    Returns:
        The model on its device, in evaluation mode. It has ``encode_texts``, ``encode_videos`` and
        ``score``, see `dvtr_bench.models.retriever.Retriever`.

    Raises:
        NotFoundError: There is no such model or checkpoint; the message says how to make one.
        ConfigError: A trained model was named without a dataset, or there is no such device.
        WeightsError: The weights are damaged or do not fit.

    Example:
        >>> import dvtr_bench as dvtr
        >>> model = dvtr.load_model("clip_zeroshot", backbone="tiny", device="cpu")
        >>> texts = model.encode_texts(["a red car", "a river"])
        >>> videos = model.encode_videos([dvtr.open_dataset("toy")["test"][0].frames])
        >>> model.score(texts, videos).shape
        torch.Size([2, 1])
    """
    from dvtr_bench.runtime.processes import choose_device

    weights = find_weights(
        model, dataset, backbone=backbone, settings=settings, runs=runs, root=root
    )
    return weights.load(choose_device(device))


def find_weights(
    model: WeightsLike,
    dataset: DatasetLike | None,
    *,
    backbone: str | None = None,
    settings: Settings = (),
    runs: str | Path = "runs",
    root: str | Path = ROOT,
) -> Weights:
    """Find the weights of a model; see `load_model`."""
    if isinstance(model, Weights):
        return model
    if isinstance(model, TrainedRun):
        return Weights(model.model, model.checkpoint)
    if isinstance(model, Path):
        folder = checkpoint_folder(model)
        return Weights(str(read_checkpoint_config(folder)["model"]["model"]), folder)
    entry = model_entry(model)
    if not entry.trainable:
        values = model_settings(model, settings)
        values = values if backbone is None else {**values, "backbone": backbone}
        entry.config(values)
        if dataset is not None:
            values = entry.settings_for(values, as_dataset(dataset, root).manifest)
        return Weights(entry.key, None, values)
    if dataset is None:
        raise ConfigError(
            f"{entry.key} is a model that is trained: name the dataset that it was trained on, to "
            "take the newest checkpoint, or pass the checkpoint's folder as a pathlib.Path"
        )
    built = as_dataset(dataset, root)
    plan = plan_evaluation(
        entry.key, str(built.folder), built.split_names[-1], runs=Path(runs), allow_seen=True
    )
    return plan.runs[0][1]


def find_unseen_weights(
    model: WeightsLike,
    built: "BuiltDataset",
    split: str,
    *,
    checkpoint: str | Path | None = None,
    backbone: str | None = None,
    settings: Settings = (),
    runs: str | Path = "runs",
    allow_seen: bool = False,
) -> tuple[Weights, Sequence[str]]:
    """Find the weights for a split, and the reasons for leaving out others.

    Args:
        model: As `load_model` takes it.
        built: The dataset.
        split: Its split that is searched.
        checkpoint: A checkpoint or run folder if ``model`` is a name; None takes the newest.
        backbone: Backbone of an untrained model.
        settings: Further settings of an untrained model.
        runs: Folder of training runs.
        allow_seen: Whether the training may have used clips of the split.

    Raises:
        NotFoundError: There is no such model or checkpoint.
        ProtocolError: It was trained on clips of the split, in another version of the dataset.
    """
    if not isinstance(model, str):
        weights = find_weights(model, built)
        if not allow_seen:
            require_unseen(weights, built, split)
        return weights, ()
    plan = plan_evaluation(
        model_entry(model).key,
        str(built.folder),
        split,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        backbone=backbone,
        settings=model_settings(model, settings),
        runs=Path(runs),
        allow_seen=allow_seen,
    )
    return plan.runs[0][1], plan.left_out


def model_settings(model: str, settings: Settings) -> dict[str, Any]:
    """Return settings of a model as the fields of its ``Config`` have them."""
    return read_settings(model_entry(model).config_class, settings)


def read_settings(kind: type, settings: Settings) -> dict[str, Any]:
    """Return settings as the fields of a dataclass have them; refuse what does not fit."""
    if isinstance(settings, Mapping):
        values = {name: "none" if value is None else value for name, value in settings.items()}
        return typed_settings(kind, values)
    return parse_settings(kind, settings)
