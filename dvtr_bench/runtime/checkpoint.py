"""Checkpoints: a folder with ``model.safetensors`` and ``config.json``; nothing is unpickled.

A training run is a folder ``runs/<dataset>/<model>/<run>/`` with its checkpoints
(``epoch-003/``), ``run.json``, which names the best and the last of them, and ``log.jsonl``.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from dvtr_bench.errors import ExtensionError, InputError, NotFoundError, WeightsError
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.reading import path_inside

if TYPE_CHECKING:
    import torch

    from dvtr_bench.models.trainable import Trainable

FORMAT_VERSION: Final = 1

MODEL_FILE: Final = "model.safetensors"
CONFIG_FILE: Final = "config.json"
RUN_FILE: Final = "run.json"

_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def new_model(name: str, settings: Mapping[str, Any], *, seed: int) -> "Trainable":
    """Build a model for training.

    Args:
        name: Its key, see ``dvtr-bench models``.
        settings: Fields of its ``Config``; the rest keep their defaults.
        seed: Seed of randomly initialised weights.

    Returns:
        The model, on the CPU.

    Raises:
        NotFoundError: No such model, or the weights of its backbone cannot be found or downloaded.
        ConfigError: A setting is unknown or out of range.
        ExtensionError: The model lacks a member of `Trainable`.
        WeightsError: The backbone's weights do not fit.
    """
    from dvtr_bench.models.entry import model_entry
    from dvtr_bench.models.trainable import Trainable

    entry = model_entry(name)
    model = entry.build(settings, seed=seed)
    entry.require_members(model, Trainable)
    trainable = cast("Trainable", model)
    stated = trainable.describe().get("model")
    if stated != entry.key:
        raise ExtensionError(
            f"{entry.entry.place}: describe() calls the model {stated!r}: its checkpoints are "
            f"found by its key, so write {entry.key!r} there"
        )
    return trainable


def save_checkpoint(folder: Path, model: "Trainable", training: Mapping[str, Any]) -> None:
    """Write a checkpoint; the folder appears whole or not at all.

    Args:
        folder: The folder to create; an existing one is replaced.
        model: The model.
        training: Facts about the training for config.json, as JSON values.
    """
    from safetensors.torch import save_file

    tensors = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    config = {
        "format_version": FORMAT_VERSION,
        "model": dict(model.describe()),
        "weights_sha256": tensors_sha256(tensors),
        "training": dict(training),
    }
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        save_file(tensors, beside / MODEL_FILE)
        write_json(beside / CONFIG_FILE, config)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def load_checkpoint(path: Path) -> "Trainable":
    """Load a model from a checkpoint folder, or the best checkpoint of a run folder.

    Args:
        path: The folder.

    Returns:
        The model, on the CPU, in evaluation mode.

    Raises:
        NotFoundError: There is no checkpoint.
        WeightsError: The checkpoint is damaged or from a newer version.

    Example:
        >>> load_checkpoint(Path("runs/nowhere"))
        Traceback (most recent call last):
        ...
        dvtr_bench.errors.NotFoundError: there is no checkpoint in runs/nowhere: ...
    """
    from dvtr_bench.models.entry import model_entry

    folder = checkpoint_folder(path)
    config = read_checkpoint_config(folder)
    entry = model_entry(str(config["model"].get("model")))
    model: Trainable = entry.module.Model.rebuild(config["model"])
    load_tensors_into(model, folder)
    model.eval()
    return model


def load_tensors_into(model: "Trainable", folder: Path) -> None:
    """Load a checkpoint's tensors into a model of the same configuration.

    Raises:
        WeightsError: The file is damaged, or its tensors do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / MODEL_FILE
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as failure:
        raise WeightsError(
            f"{path} cannot be read ({failure}): train again, or name another checkpoint"
        ) from failure
    expected = read_checkpoint_config(folder)["weights_sha256"]
    if tensors_sha256(tensors) != expected:
        raise WeightsError(
            f"{path} is not the file that {CONFIG_FILE} beside it describes (another SHA-256 of "
            "its tensors): it was changed or damaged; train again, or name another checkpoint"
        )
    try:
        model.load_state_dict(tensors)
    except RuntimeError as failure:
        raise WeightsError(f"{path} does not fit the model: {failure}") from failure


def checkpoint_folder(path: Path) -> Path:
    """Return a checkpoint folder: ``path`` itself, or the best one of the run at ``path``.

    Raises:
        NotFoundError: There is neither.
    """
    if (path / CONFIG_FILE).is_file():
        return path
    if (path / RUN_FILE).is_file():
        best = best_of_run(path, read_json(path / RUN_FILE).get("best"))
        if (best / CONFIG_FILE).is_file():
            return best
    raise NotFoundError(
        f"there is no checkpoint in {path}: expected a folder with {CONFIG_FILE} and {MODEL_FILE}, "
        f"or a run with {RUN_FILE}. `dvtr-bench train` writes one"
    )


def best_of_run(folder: Path, best: object) -> Path:
    """Return the folder of a run's best checkpoint.

    Args:
        folder: The run's folder.
        best: What its run.json says, which may be anyone's.

    Raises:
        WeightsError: It is not the name of a folder in the run's.
    """
    return folder / path_inside(folder / RUN_FILE, best, "best", WeightsError, one_part=True)


def read_checkpoint_config(folder: Path) -> dict[str, Any]:
    """Return config.json of a checkpoint folder, after a check of its version.

    Raises:
        WeightsError: It is damaged or newer than this program.
    """
    config = read_json(folder / CONFIG_FILE)
    version = config.get("format_version")
    if not isinstance(version, int) or not isinstance(config.get("model"), dict):
        raise WeightsError(f"{folder / CONFIG_FILE} is not the description of a checkpoint")
    if version > FORMAT_VERSION:
        raise WeightsError(
            f"{folder} has checkpoint format {version}; this dvtr-bench reads up to "
            f"{FORMAT_VERSION}: update dvtr-bench"
        )
    return config


def find_checkpoint(
    model: str, dataset: str, runs: Path = Path("runs"), fingerprint: str | None = None
) -> Path:
    """Return the best checkpoint of the newest run of a model on a dataset.

    Args:
        model: The model's key.
        dataset: The dataset's name.
        runs: Where runs are kept.
        fingerprint: Of a version of the dataset: runs on it come before those on others.

    Returns:
        The checkpoint folder.

    Raises:
        NotFoundError: There is none; the message says how to make one.
    """
    folder = runs / _safe(dataset) / _safe(model)
    newest: tuple[tuple[bool, str], Path] | None = None
    for path in sorted(folder.glob(f"*/{RUN_FILE}")):
        state = read_json(path)
        trained_on = state.get("setup", {}).get("dataset", {}).get("fingerprint")
        rank = (
            fingerprint is not None and trained_on == fingerprint,
            str(state.get("updated_at", "")),
        )
        if newest is None or rank >= newest[0]:
            newest = (rank, path.parent)
    if newest is None:
        raise NotFoundError(
            f"{model} has no checkpoint for {dataset} under {folder}: run "
            f"`dvtr-bench train --model {model} --dataset {dataset}` first"
        )
    return checkpoint_folder(newest[1])


def new_run_folder(model: str, dataset: str, seed: int, runs: Path = Path("runs")) -> Path:
    """Return the path of a new run folder, named after the time (UTC) and the seed."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return runs / _safe(dataset) / _safe(model) / f"{stamp}-seed{seed}"


def tensors_sha256(tensors: "Mapping[str, torch.Tensor]") -> str:
    """Return the SHA-256 over named tensors: names, dtypes, shapes and bytes, in order of name."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        WeightsError: The file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise WeightsError(f"{path} cannot be read ({failure}): train again") from failure
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def _safe(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a folder of runs: use letters, digits, dots, - and _ only"
        )
    return name
