"""Two-tower models of transformers: loaded whole, from a folder, without running pickles."""

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image
from torch import nn

from baselines.pretrained.folder import ModelFolder
from baselines.weights.weights import first_few, read_state_dict
from dvtr_bench.errors import WeightsError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.safetensors_file import read_header
from dvtr_bench.runtime.model_size import no_larger_than
from dvtr_bench.runtime.packages import import_extra

WEIGHTS: Final = "*.safetensors"
PICKLED: Final = "pytorch_model*.bin"

_SETTING: Final = "trust_remote_code"
_ADVICE: Final = "get the folder again, or see whether this version of transformers knows it"


@dataclass(frozen=True)
class TransformersModel:
    """A model with its preprocessing.

    Attributes:
        model: The model, on the CPU, in evaluation mode.
        processor: Its processor; None where it has separate parts alone.
        tokenizer: Its tokenizer.
        images: Its image processor; None where it has a video processor.
        videos: Its video processor; None where it has none.
        attention: Implementation of attention that is in use.
    """

    model: Any
    processor: Any
    tokenizer: Any
    images: Any
    videos: Any
    attention: str | None

    @property
    def image_processor(self) -> Any:
        """What turns frames into tensors, as the folder's own files say.

        The processor around it may have defaults of its class, such as the size of patches, which
        win over those files.
        """
        return self.images if self.videos is None else self.videos

    def of_clip(self, shown: list[Image.Image]) -> Any:
        """Return a video tower's tensors for the frames of one video."""
        if self.videos is None:
            return self.images(shown, return_tensors="pt")
        # The frames have been chosen: a processor that samples would choose again.
        return self.videos(videos=[shown], do_sample_frames=False, return_tensors="pt")


def code_of(folder: Path, where: str, extra: str) -> str:
    """Return the files of a folder's own code that transformers would run; empty for none.

    A folder may name code beside a type of model that transformers has itself: then it is not run.

    Args:
        folder: The folder with ``config.json``.
        where: Name of the model, for messages.
        extra: The extra of dvtr-bench that brings transformers, for messages.

    Raises:
        NotFoundError: transformers is not installed.
        WeightsError: The configuration cannot be read.
    """
    config = ModelFolder(folder, where, None).read_json("config.json") or {}
    named = config.get("auto_map")
    mapping = import_extra("transformers", extra, where).CONFIG_MAPPING
    if not isinstance(named, Mapping) or config.get("model_type") in mapping:
        return ""
    references = {str(one).rpartition(".")[0] for one in named.values()}
    return ", ".join(sorted(f"{reference}.py" for reference in references))


def load_model(
    folder: ModelFolder,
    source: str,
    *,
    dtype: torch.dtype,
    attention: str | None,
    trust_remote_code: bool,
) -> TransformersModel:
    """Load a model and its preprocessing from a folder; nothing is fetched.

    Args:
        folder: The folder.
        source: Name of the adapter, for messages.
        dtype: Numbers that it computes with.
        attention: ``eager`` or ``sdpa``; None for what transformers takes of itself.
        trust_remote_code: Whether code of the folder may run.

    Returns:
        The model.

    Raises:
        NotFoundError: transformers is not installed.
        WeightsError: The folder is no model that transformers can load, holds no weights, or lacks
            some of the model's.
    """
    where = f"{source}:{folder.name}"
    transformers = import_extra("transformers", "hf", where)
    common: dict[str, Any] = {"trust_remote_code": trust_remote_code, "local_files_only": True}
    settings = {**common, "dtype": dtype}
    if attention is not None:
        settings["attn_implementation"] = attention
    with reading(where, "a model of transformers", WeightsError, _ADVICE), quiet(transformers):
        config = transformers.AutoConfig.from_pretrained(folder.path, **common)
        model = _with_weights(transformers, folder, where, config, settings)
        processor, tokenizer, images, videos = _preprocessing(transformers, folder.path, common)
    return TransformersModel(
        model.eval(), processor, tokenizer, images, videos, model.config._attn_implementation
    )


def _with_weights(
    transformers: Any, folder: ModelFolder, where: str, config: Any, settings: Mapping[str, Any]
) -> Any:
    files = folder.files(WEIGHTS)
    if files:
        shapes = [one.shape for file in files for one in read_header(file, _ADVICE).values()]
        numbers = sum(math.prod(shape) for shape in shapes)
        with no_larger_than(numbers, where):
            model, loaded = transformers.AutoModel.from_pretrained(
                folder.path,
                config=config,
                use_safetensors=True,
                output_loading_info=True,
                **settings,
            )
    else:
        tensors = _pickled_tensors(folder, where)
        kind = transformers.AutoModel._model_mapping[type(config)]
        with no_larger_than(sum(one.numel() for one in tensors.values()), where):
            model, loaded = kind.from_pretrained(
                None,
                config=config,
                state_dict=tensors,
                output_loading_info=True,
                dtype=settings["dtype"],
                attn_implementation=settings.get("attn_implementation"),
            )
    require_all_tensors(where, type(model).__name__, loaded["missing_keys"])
    return model


def require_all_tensors(where: str, kind: str, missing: Iterable[str]) -> None:
    """Refuse weights that lack tensors of a model, which transformers fills with random numbers.

    Args:
        where: Name of the model, for messages.
        kind: Its class.
        missing: Names of the tensors that no file has.

    Raises:
        WeightsError: There are some.
    """
    if names := sorted(missing):
        raise WeightsError(
            f"{where}: its files lack {len(names)} of the tensors of {kind}, which would be "
            f"random: {first_few(names)}. They are weights of a model of another kind, such as "
            "one that was made for a single task"
        )


def _pickled_tensors(folder: ModelFolder, where: str) -> dict[str, torch.Tensor]:
    """Read weights in pickles without running them."""
    files = folder.files(PICKLED)
    if not files:
        raise WeightsError(f"{where}: there is no file {WEIGHTS} or {PICKLED} in its folder")
    tensors: dict[str, torch.Tensor] = {}
    for file in files:
        tensors |= read_state_dict(file)
    return tensors


def _preprocessing(
    transformers: Any, path: Path, common: Mapping[str, Any]
) -> tuple[Any, Any, Any, Any]:
    """Return processor, tokenizer, image and video processor; those that a folder has."""
    try:
        processor = transformers.AutoProcessor.from_pretrained(path, **common)
    except (OSError, ValueError) as failure:
        if _SETTING in str(failure):
            raise
        processor = None
    whole = isinstance(processor, transformers.ProcessorMixin)
    tokenizer = getattr(processor, "tokenizer", None) if whole else None
    if tokenizer is None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, **common)
    videos = getattr(processor, "video_processor", None) if whole else None
    if not isinstance(videos, transformers.BaseVideoProcessor):  # X-CLIP's is one of images
        videos = None
    images = getattr(processor, "image_processor", None) if whole else None
    if images is None and videos is None:
        images = transformers.AutoImageProcessor.from_pretrained(path, **common)
    return (processor if whole else None), tokenizer, images, videos


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Keep transformers from printing while it loads; what is wrong with a load is checked here."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def accepted_by(method: Callable[..., Any]) -> frozenset[str]:
    """Return the names of the tensors that a model's method takes."""
    return frozenset(inspect.signature(method).parameters) - {"kwargs"}


def vectors_of(output: Any, where: str) -> torch.Tensor:
    """Return the vectors in what a method such as ``get_text_features`` returned.

    Args:
        output: A tensor (transformers before 5), or an output object with ``pooler_output``.
        where: Name of the model and the method, for messages.

    Returns:
        Floats, rows x C.

    Raises:
        WeightsError: There is not one vector a row.
    """
    vectors = output if isinstance(output, torch.Tensor) else getattr(output, "pooler_output", None)
    if isinstance(vectors, torch.Tensor) and vectors.ndim == 3 and vectors.shape[1] == 1:
        vectors = vectors[:, 0]  # VideoPrism's
    if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2:
        found = "none" if vectors is None else f"{tuple(vectors.shape)}"
        raise WeightsError(
            f"{where} gives no vector to compare (expected rows x C, found {found}): the model was "
            "not made for retrieval by vectors"
        )
    return vectors


def text_defaults(processor: Any) -> Mapping[str, Any]:
    """Return how a processor calls its tokenizer, such as ``{"padding": "max_length"}``."""
    stated = getattr(type(processor), "text_kwargs", None)
    if stated is None:  # before transformers 5.20
        kinds = getattr(type(processor), "valid_processor_kwargs", None)
        stated = getattr(kinds, "_defaults", {}).get("text_kwargs")
    return stated or {}


def positions_of(config: Any) -> int | None:
    """Return the positions of a model's text tower; None where its configuration does not say."""
    text = getattr(config, "text_config", config)
    positions = getattr(text, "max_position_embeddings", None)
    return positions if isinstance(positions, int) else None


def frames_of(config: Any) -> int | None:
    """Return how many frames a model's video tower takes; None for any number."""
    for part in (getattr(config, "vision_config", None), getattr(config, "video_config", None)):
        if isinstance(frames := getattr(part, "num_frames", None), int):
            return frames
    return None


def num_parameters(model: nn.Module) -> int:
    """Return the number of a model's parameters."""
    return sum(parameter.numel() for parameter in model.parameters())
