"""What models of sentence-transformers have in common, one vector an item or one score a pair."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import torch
from PIL import Image

from baselines.pretrained.folder import ModelFolder
from baselines.pretrained.frames import repeated
from baselines.pretrained.transformers_model import (
    WEIGHTS,
    code_of,
    quiet,
    require_all_tensors,
)
from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.reading.border import reading
from dvtr_bench.runtime.packages import import_extra

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames

Kind = Literal["SentenceTransformer", "CrossEncoder"]

EXTRA: Final = "st"
SOURCES: Final[Mapping[str, str]] = {"SentenceTransformer": "st", "CrossEncoder": "cross_encoder"}
"""The source of each kind of model."""

_OWN_MODULES: Final = "sentence_transformers."
_ADVICE: Final = "get the folder again, or see whether this version of the library knows it"


def require_settings(fps: float, batch: int) -> None:
    """Check the settings that every such model has.

    Raises:
        ConfigError: One is out of range.
    """
    if not fps > 0:
        raise ConfigError(f"fps must be above 0, found {fps}")
    if batch < 1:
        raise ConfigError(f"batch must be at least 1, found {batch}")


def kind_of(folder: ModelFolder, where: str) -> str:
    """Return what a folder with ``modules.json`` says that it is, such as ``CrossEncoder``.

    Raises:
        WeightsError: Its description cannot be read.
    """
    stated = folder.read_json("config_sentence_transformers.json") or {}
    with reading(f"{where}: config_sentence_transformers.json", "a description", WeightsError):
        # Before version 4 there was one kind, and none said which.
        return str(stated.get("model_type", "SentenceTransformer"))


def code_of_modules(folder: ModelFolder, where: str) -> str:
    """Return the files of code of its own that a folder with ``modules.json`` runs.

    Args:
        folder: The folder.
        where: Name of the model, for messages.

    Returns:
        Their names; empty for none.

    Raises:
        WeightsError: The list of modules cannot be read, or weights are pickles.
    """
    with reading(f"{where}: modules.json", "a list of modules", WeightsError):
        modules = list(folder.read_json("modules.json"))
        kinds = [str(module["type"]) for module in modules]
        parts = [folder.path / str(module["path"]) for module in modules]
    places = list(dict.fromkeys([folder.path, *parts]))
    for part in places:
        require_no_pickle(ModelFolder(part, folder.name, None), where)
    own = [f"{kind.rpartition('.')[0]}.py" for kind in kinds if not kind.startswith(_OWN_MODULES)]
    codes = [code for part in dict.fromkeys(parts) if (code := code_of(part, where, EXTRA))]
    return ", ".join(dict.fromkeys([*own, *codes]))


def require_no_pickle(folder: ModelFolder, where: str) -> None:
    """Refuse weights in a pickle that have no safetensors beside them."""
    pickled = folder.files("pytorch_model*.bin")
    if pickled and not folder.files(WEIGHTS):
        raise WeightsError(
            f"{where}: {pickled[0].name} is a pickle, and there is no {WEIGHTS} beside it: "
            "pickles of others are not loaded. Save the model again with sentence-transformers"
        )


def load(
    kind: Kind,
    folder: ModelFolder,
    where: str,
    *,
    dtype: torch.dtype,
    trust_remote_code: bool,
    **more: Any,
) -> Any:
    """Load a model of sentence-transformers from a folder; nothing is fetched.

    Args:
        kind: Its class.
        folder: The folder.
        where: Name of the model, for messages.
        dtype: Numbers that it computes with.
        trust_remote_code: Whether code of the folder may run.
        **more: What else the class takes.

    Returns:
        The model, on the CPU, in evaluation mode.

    Raises:
        NotFoundError: sentence-transformers is not installed.
        WeightsError: The folder is no such model, or its weights lack tensors.
    """
    library = import_extra("sentence_transformers", EXTRA, where)
    transformers = import_extra("transformers", EXTRA, where)
    article = "a model of sentence-transformers"
    with reading(where, article, WeightsError, _ADVICE), quiet(transformers):
        with _complete(transformers, where):
            model = getattr(library, kind)(
                str(folder.path),
                device="cpu",
                local_files_only=True,
                trust_remote_code=trust_remote_code,
                model_kwargs={"dtype": dtype, "use_safetensors": True},
                **more,
            )
        model[0].register_forward_pre_hook(_in_dtype)
        return model.eval()


@contextmanager
def _complete(transformers: Any, where: str) -> Iterator[None]:
    """Refuse models of transformers that are loaded meanwhile with tensors that no file has.

    sentence-transformers loads them, and does not ask what was missing.
    """
    base = transformers.PreTrainedModel
    own = base.__dict__["from_pretrained"]

    def from_pretrained(
        cls: Any, /, *args: Any, output_loading_info: bool = False, **kw: Any
    ) -> Any:
        model, loaded = own.__func__(cls, *args, output_loading_info=True, **kw)
        require_all_tensors(where, type(model).__name__, loaded["missing_keys"])
        return (model, loaded) if output_loading_info else model

    base.from_pretrained = classmethod(from_pretrained)
    try:
        yield
    finally:
        base.from_pretrained = own


def _in_dtype(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give a model its numbers in its own dtype; some do not do that by themselves."""
    features, *others = arguments
    dtype = next(module.parameters()).dtype
    cast = {
        name: value.to(dtype) if torch.is_tensor(value) and value.is_floating_point() else value
        for name, value in features.items()
    }
    return (cast, *others)


def visual_processor(model: Any, *, of_video: bool) -> Any:
    """Return what prepares the frames of a model: its processor of videos, or of images."""
    processor = model.processor
    name = "video_processor" if of_video else "image_processor"
    return getattr(processor, name, processor)


def shown_frames(video: "Frames", num_frames: int | None, processor: Any) -> list[Image.Image]:
    """Return the pictures of a video, as many as a model takes.

    Args:
        video: Its frames, no more than ``num_frames``.
        num_frames: How many the model takes; None for any number.
        processor: Its processor of videos: one that takes frames in pairs is given one frame twice.
    """
    least = getattr(processor, "temporal_patch_size", None) or 1
    shown = repeated(video, num_frames or max(len(video), least))
    return [Image.fromarray(frame) for frame in shown]


def frame_times(count: int, fps: float) -> dict[str, Any]:
    """Return the times of evenly spaced frames, as processors of videos take them."""
    return {
        "fps": fps,
        "total_num_frames": count,
        "duration": count / fps,
        "frames_indices": list(range(count)),
    }


def visual_inputs(model: Any, where: str) -> Sequence[str]:
    """Return what a model takes of a video, the better one first: ``video``, ``image``.

    Raises:
        WeightsError: It takes no text, or neither of them.
    """
    supported = [one for one in ("video", "image") if model.supports(one)]
    if not model.supports("text") or not supported:
        takes = ", ".join(map(str, model.modalities))
        raise WeightsError(f"{where} takes {takes}: retrieval needs text, and image or video")
    return supported
