"""Finding and loading of mteb's models: of its registry, of the Hub, or of a local folder."""

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch

from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from dvtr_bench.reading.border import brief
from dvtr_bench.runtime.packages import import_extra
from dvtr_bench.runtime.terminal import write_line

_OPTION: Final = "--model mteb:..."

_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_SAFE: Final = "*.safetensors"


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model of mteb, loaded.

    Attributes:
        encoder: The model: mteb's ``EncoderProtocol``.
        name: What it is called, without a path of this machine.
        revision: Commit of its repository; None where there is none.
        loader: What loads it in mteb, such as
            ``mteb.models.model_implementations.xclip_models.XCLIPModel``.
        modalities: What it takes, of ``text``, ``image``, ``video``, ``audio``.
    """

    encoder: Any
    name: str
    revision: str | None
    loader: str
    modalities: frozenset[str]


def load_encoder(reference: str, *, trust_remote_code: bool) -> LoadedModel:
    """Load a model on the CPU.

    Args:
        reference: A folder of sentence-transformers, or ``ORG/NAME`` with ``@REVISION`` or without:
            a model of mteb's registry, else of the Hub.
        trust_remote_code: Whether code of the model's repository may be run.

    Returns:
        The model.

    Raises:
        NotFoundError: mteb is not installed, there is no such model, or it needs further packages.
        ConfigError: It is no model that gives one vector for a text and for a video, or it needs
            ``trust_remote_code``.
        WeightsError: It cannot be loaded.
    """
    mteb = import_extra("mteb", "mteb", _OPTION)
    folder = Path(reference)
    if folder.is_dir():
        return _of_folder(folder, trust_remote_code)
    meta = _find_meta(mteb, reference)
    _require_usable(meta)
    _require_trust(meta, trust_remote_code)
    with _loading(str(meta.name)):
        encoder = meta.load_model(device="cpu")
    return LoadedModel(
        encoder,
        str(meta.name),
        meta.revision,
        f"{meta.loader.__module__}.{meta.loader.__qualname__}",
        frozenset(meta.modalities),
    )


def modules_of(encoder: object) -> dict[str, torch.nn.Module]:
    """Return the networks that a model of mteb holds, by the names of its attributes.

    Args:
        encoder: The model.

    Returns:
        The networks; the model itself, under an empty name, if it is one.
    """
    if isinstance(encoder, torch.nn.Module):
        return {"": encoder}
    held = getattr(encoder, "__dict__", {})
    return {name: value for name, value in held.items() if isinstance(value, torch.nn.Module)}


def _find_meta(mteb: ModuleType, reference: str) -> Any:
    name, _, revision = reference.partition("@")
    with quiet():
        try:
            return mteb.get_model_meta(name, revision or None)
        except ValueError as failure:
            raise ConfigError(f"mteb:{reference}: {brief(failure)}") from failure
        except KeyError as failure:
            unknown = str(failure.args[0]) if failure.args else "it is not in mteb's registry"
        if name.count("/") != 1:
            raise NotFoundError(
                f"mteb:{reference}: {unknown} A model of the Hub is named ORG/NAME, a model of "
                "your own by its folder, and there is no such folder"
            )
        try:
            meta = mteb.get_model_meta(name, revision or None, fetch_from_hf=True)
        except Exception as failure:
            raise NotFoundError(
                f"mteb:{reference}: {unknown} The Hub cannot be asked for it ({brief(failure)})"
            ) from failure
    if meta.loader is None:
        raise NotFoundError(
            f"mteb:{reference}: {unknown} The Hub has no model of that name that mteb can load, or "
            "does not answer"
        )
    return meta


def _require_usable(meta: Any) -> None:
    kinds = list(meta.model_type)
    if "cross-encoder" in kinds:
        raise ConfigError(
            f"mteb:{meta.name} scores pairs and gives no vectors: it can rank the best candidates "
            "of another model anew (--reranker), not a whole gallery"
        )
    if "dense" not in kinds:
        raise ConfigError(
            f"mteb:{meta.name} is a model of the kind {', '.join(kinds)}: expected a dense one, "
            "that gives one vector for a text and one for a video"
        )
    if meta.open_weights is False:
        raise ConfigError(
            f"mteb:{meta.name} runs on a server of its makers: captions and frames would be sent "
            "there. Only models whose weights are open are evaluated"
        )
    _require_modalities(f"mteb:{meta.name}", frozenset(meta.modalities))


def _require_modalities(name: str, modalities: frozenset[str]) -> None:
    if "text" not in modalities or not modalities & {"video", "image"}:
        raise ConfigError(
            f"{name} takes {' and '.join(sorted(modalities))}: expected a model of texts and of "
            "videos or images"
        )


def _require_trust(meta: Any, trusted: bool) -> None:
    """Refuse a model whose loader runs code of its repository, unless that is wanted."""
    if not _runs_remote_code(meta.loader, meta.loader_kwargs):
        return
    if not trusted:
        raise ConfigError(
            f"mteb:{meta.name} runs Python code of its repository on the Hub. Read that code, and "
            "allow it with --set trust_remote_code=true; name the revision that you have read with "
            f"mteb:{meta.name}@REVISION"
        )
    write_line(
        f"warning: mteb:{meta.name} runs code of its repository, revision {meta.revision}",
        err=True,
    )


def _runs_remote_code(loader: Any, given: Mapping[str, Any]) -> bool:
    """Tell whether a loader trusts remote code, by its arguments or in its source."""
    if "trust_remote_code" in given:
        return bool(given["trust_remote_code"])
    try:
        source = inspect.getsource(inspect.getmodule(loader) or loader)
    except (OSError, TypeError):
        return True
    return "trust_remote_code=True" in source or "trust_remote_code: bool = True" in source


def _of_folder(folder: Path, trusted: bool) -> LoadedModel:
    """Load a folder of sentence-transformers by mteb's wrapper for these."""
    from mteb.models import SentenceTransformerEncoderWrapper

    library = import_extra("sentence_transformers", "mteb", _OPTION)
    name = folder.resolve().name
    _require_safe_weights(folder)
    if trusted:
        write_line(f"warning: mteb:{name} may run code of its folder", err=True)
    with _loading(name):
        model = library.SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, trust_remote_code=trusted
        )
        encoder = SentenceTransformerEncoderWrapper(model)
    modalities = frozenset(one for one in model.modalities if isinstance(one, str))
    _require_modalities(f"mteb:{name}", modalities)
    # mteb says "text" of every model without a card, and leaves out the columns of all others.
    encoder.mteb_model_meta = encoder.mteb_model_meta.model_copy(
        update={"name": name, "revision": None, "modalities": sorted(modalities)}
    )
    kind = type(encoder)
    return LoadedModel(encoder, name, None, f"{kind.__module__}.{kind.__qualname__}", modalities)


def _require_safe_weights(folder: Path) -> None:
    for path in sorted(one for pattern in _PICKLES for one in folder.rglob(pattern)):
        if not list(path.parent.glob(_SAFE)):
            raise WeightsError(
                f"{path}: weights in a pickle, which can run code when it is read: save the model "
                "with safetensors, as sentence-transformers does by default"
            )


@contextmanager
def _loading(name: str) -> Iterator[None]:
    """Turn whatever fails within mteb and the libraries below into one error of ours."""
    try:
        with quiet():
            yield
    except ImportError as failure:
        raise NotFoundError(f"mteb:{name}: {brief(failure)}") from failure
    except Exception as failure:
        raise WeightsError(f"mteb:{name} cannot be loaded: {brief(failure)}") from failure


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back warnings of mteb.

    Such as that a task has no instruction for documents, which holds for nearly every task of
    mteb's own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
