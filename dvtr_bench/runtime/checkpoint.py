"""Checkpoints: a folder with ``model.safetensors`` and ``config.json``; nothing is unpickled.

A training run is a folder ``runs/<dataset>/<model>/<run>/`` with its checkpoints
(``epoch-003/``), ``run.json``, which names the best and the last of them, and ``log.jsonl``.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from dvtr_bench.errors import (
    DvtrError,
    ExtensionError,
    InputError,
    NotFoundError,
    WeightsError,
)
from dvtr_bench.reading.border import brief, path_inside, reading
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes, readable_json
from dvtr_bench.reading.safetensors_file import read_header, read_tensors
from dvtr_bench.runtime.files import folder_written_beside, written_beside
from dvtr_bench.runtime.model_size import no_larger_than

if TYPE_CHECKING:
    import torch

    from dvtr_bench.models.trainable import Trainable

FORMAT_VERSION: Final = 1

MODEL_FILE: Final = "model.safetensors"
CONFIG_FILE: Final = "config.json"
RUN_FILE: Final = "run.json"

_ADVICE: Final = "train again, or name another checkpoint"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST_NAME: Final = 1000
_LONGEST_TEXT: Final = 4096

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


def save_checkpoint(
    folder: Path,
    model: "Trainable",
    training: Mapping[str, Any],
    more_tensors: "Mapping[str, Mapping[str, torch.Tensor]] | None" = None,
) -> None:
    """Write a checkpoint; the folder appears whole or not at all.

    Args:
        folder: The folder to create; an existing one is replaced.
        model: The model.
        training: Facts about the training for config.json, as JSON values.
        more_tensors: Further files of tensors for the folder, by file name.

    Raises:
        WriteError: It cannot be written.
    """
    from safetensors.torch import save_file

    tensors = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    config = {
        "format_version": FORMAT_VERSION,
        "model": dict(model.describe()),
        "weights_sha256": tensors_sha256(tensors),
        "training": dict(training),
    }
    with folder_written_beside(folder) as beside:
        for name, named in {MODEL_FILE: tensors, **(more_tensors or {})}.items():
            save_file(dict(named), beside / name)
        write_json(beside / CONFIG_FILE, config)


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
    folder = checkpoint_folder(path)
    model = _rebuild(folder)
    load_tensors_into(model, folder)
    model.eval()
    return model


def _rebuild(folder: Path) -> "Trainable":
    """Build the model of a checkpoint, unless it is larger than the checkpoint's tensors."""
    from dvtr_bench.models.entry import own_entry

    config = read_checkpoint_config(folder)
    where = folder / CONFIG_FILE
    header = read_header(folder / MODEL_FILE, _ADVICE)
    numbers = sum(math.prod(tensor.shape) for tensor in header.values())
    try:
        with (
            reading(where, "the description of a model", WeightsError, _ADVICE),
            no_larger_than(numbers, str(where)),
        ):
            entry = own_entry(config["model"]["model"])
            model: Trainable = entry.module.Model.rebuild(config["model"])
    except DvtrError as failure:
        if str(where) in str(failure):
            raise
        raise type(failure)(f"{where}: {failure}") from failure
    return model


def load_tensors_into(model: "Trainable", folder: Path) -> None:
    """Load a checkpoint's tensors into a model of the same configuration.

    Raises:
        WeightsError: The file is damaged, or its tensors do not fit.
    """
    path = folder / MODEL_FILE
    tensors = read_tensors(path, _ADVICE)
    expected = read_checkpoint_config(folder)["weights_sha256"]
    if tensors_sha256(tensors) != expected:
        raise WeightsError(
            f"{path} is not the file that {CONFIG_FILE} beside it describes (another SHA-256 of "
            "its tensors): it was changed or damaged; train again, or name another checkpoint"
        )
    own = model.state_dict()
    for name in own.keys() & tensors.keys():
        if own[name].is_floating_point() != tensors[name].is_floating_point():
            raise WeightsError(
                f"{path} does not fit the model: {name} is {tensors[name].dtype}, expected "
                f"{own[name].dtype}: {_ADVICE}"
            )
    try:
        model.load_state_dict(tensors)
    except RuntimeError as failure:
        raise WeightsError(f"{path} does not fit the model: {brief(failure)}") from failure


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
    path = folder / CONFIG_FILE
    config = read_json(path)
    version = config.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        shown = f"{version}" if version < _LONGEST_TEXT else "of another program"
        raise WeightsError(
            f"{folder} has checkpoint format {shown}; this dvtr-bench reads up to "
            f"{FORMAT_VERSION}: update dvtr-bench"
        )
    for field, (fits, expected) in _DESCRIBED.items():
        value: Any = config
        for name in field.split("."):
            parent, value = value, value.get(name, _ABSENT) if isinstance(value, dict) else _ABSENT
        optional = parent is _ABSENT or field in _MAY_BE_ABSENT
        if not (value is _ABSENT and optional) and not fits(value):
            raise WeightsError(
                f"{path} is not the description of a checkpoint: {field}: expected {expected}: "
                f"{_ADVICE}"
            )
    if any(len(text) > _LONGEST_TEXT for text in _texts(config["model"])):
        raise WeightsError(
            f"{path} is not the description of a checkpoint: it holds a text of more than "
            f"{_LONGEST_TEXT:,} letters: {_ADVICE}"
        )
    return config


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value


_ABSENT: Final = object()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME


_DESCRIBED: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "format_version": (lambda value: type(value) is int and value >= 1, "a number from 1"),
    "model": (lambda value: isinstance(value, dict), "an object"),
    "model.model": (_is_text, "the name of a model"),
    "weights_sha256": (
        lambda value: isinstance(value, str) and bool(_SHA256.fullmatch(value)),
        "64 hexadecimal digits",
    ),
    "training": (lambda value: isinstance(value, dict), "an object"),
    "training.dataset": (lambda value: isinstance(value, dict), "an object"),
    "training.dataset.name": (_is_text, "a text"),
    "training.dataset.fingerprint": (_is_text, "a text"),
    "training.dataset.version": (lambda value: value is None or _is_text(value), "a text or null"),
    "training.recipe": (lambda value: isinstance(value, dict), "an object"),
    "training.recipe.seed": (
        lambda value: value is None or (type(value) is int and 0 <= value < 1 << 63),
        "a number from 0",
    ),
    "training.epoch": (
        lambda value: type(value) is int and 1 <= value < 1 << 63,
        "a number from 1",
    ),
    "training.validation_t2v_r1": (
        lambda value: type(value) in (int, float) and 0 <= value <= 100,
        "a percentage",
    ),
}
"""What config.json must hold: whether a value is of the form, and the form in words."""

_MAY_BE_ABSENT: Final = frozenset(
    {
        "training.dataset",
        "training.dataset.version",
        "training.recipe",
        "training.recipe.seed",
        "training.epoch",
        "training.validation_t2v_r1",
    }
)
"""Not every checkpoint was trained here."""


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
    folder = runs_folder(model, dataset, runs)
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


def runs_folder(model: str, dataset: str, runs: Path) -> Path:
    """Return the folder of a model's runs on a dataset; InputError if a name cannot be one."""
    return runs / _safe(dataset) / _safe(model)


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
    text = readable_json(content, indent=2) + "\n"
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        WeightsError: The file is damaged.
    """
    try:
        content = parse_json(read_json_bytes(path, WeightsError), str(path), WeightsError)
        with reading(path, "a JSON file", WeightsError):
            # Letters that are none: nothing made from the file could be written.
            json.dumps(content, ensure_ascii=False).encode()
    except FileNotFoundError as failure:
        raise WeightsError(f"{path} cannot be read (there is no such file): train again") from (
            failure
        )
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def _safe(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a folder of runs: use letters, digits, dots, - and _ only"
        )
    return name
