"""Models of mteb, as it loads and asks them: of its registry, of the Hub or of a folder.

A model is asked for queries or for documents, and may use another prompt for each. Text to video is
ranked with captions as queries and videos as documents, video to text the other way round, as mteb
runs the two tasks (`baselines.pretrained.prompted_model`).

A model of videos gets as many stored frames as it asks for, evenly spaced (`StoredFrames`). A model
of images gets every frame as an image, and a video's vector is the mean of its frames'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import torch
from torch.nn import functional

from baselines.pretrained.mteb_inputs import image_inputs, text_inputs, video_inputs
from baselines.pretrained.mteb_loading import load_encoder, modules_of, quiet
from baselines.pretrained.prompted_model import (
    PromptedConfig,
    PromptedModel,
    Role,
    role_of,
)
from dvtr_bench.dataset.mteb_tasks import (
    QUERY_PROMPTS,
    TASK_DIRECTIONS,
    TASK_TYPE,
    TaskDirection,
    mteb_task_name,
)
from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.models.embedding_model import VECTOR
from dvtr_bench.runtime.checkpoint import tensors_sha256
from dvtr_bench.runtime.packages import import_extra

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from dvtr_bench.models.retriever import Features, Frames

SCORING: Final = "pairwise"
EXAMPLES: Final = ("mteb:microsoft/xclip-base-patch32", "mteb:Qwen/Qwen3-VL-Embedding-2B")
EXTRA: Final = "mteb"
NEEDS: Final = ("mteb",)

Similarity = Literal["cosine", "inner product", "the model's own"]

_PROBE_WIDTH: Final = 8
_PROBE_TOLERANCE: Final = 1e-5


@dataclass(frozen=True)
class Config(PromptedConfig):
    """Its settings.

    Attributes:
        frames_to_video: For a model of images: ``unit_mean`` makes every frame's vector unit length
            before the mean, ``mean`` does not, as mteb's ``Video2ImagesWrapper``. A score that is
            an inner product keeps lengths in either case.
        trust_remote_code: Whether code of the model's repository may be run; a warning is printed.

    Raises:
        ConfigError: A value is not one of these, or ``dtype`` is set: a model has that of its
            loader.
    """

    frames_to_video: Literal["unit_mean", "mean"] = "unit_mean"
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        if self.dtype != "float32":
            raise ConfigError(
                f"dtype={self.dtype}: mteb's loader of a model decides in what it computes: leave "
                "dtype out"
            )
        if self.frames_to_video not in ("unit_mean", "mean"):
            raise ConfigError(
                f"frames_to_video must be unit_mean or mean, found {self.frames_to_video!r}"
            )


class Model(PromptedModel):
    """A model of mteb.

    Args:
        reference: ``ORG/NAME``, ``ORG/NAME@REVISION``, or a folder of sentence-transformers.
        config: Its settings.

    Attributes:
        similarity: How two vectors are compared; found by trying the model's own function.

    Source: mteb 2.26, ``SearchEncoderWrapper`` and ``Video2ImagesWrapper``. differs: frames are
    chosen by us, and frames of an image model are made unit length before their mean.
    """

    libraries = ("mteb", "sentence-transformers", "transformers", "datasets")

    def __init__(self, reference: str, config: Config) -> None:
        """Load the model.

        Raises:
            ConfigError: It is no model for this, or needs ``trust_remote_code``.
            NotFoundError: There is no such model, or packages are missing.
            WeightsError: It cannot be loaded.
        """
        loaded = load_encoder(reference, trust_remote_code=config.trust_remote_code)
        super().__init__(f"mteb:{loaded.name}", config)
        self.config: Config = config
        self._loaded = loaded
        self._encoder = loaded.encoder
        self._of_videos = "video" in loaded.modalities
        video: Literal["v", "i"] = "v" if self._of_videos else "i"
        self._task_metadata = {way: _task_metadata(way, video) for way in TASK_DIRECTIONS}
        for module in modules_of(self._encoder).values():
            module.eval()
        self.similarity = _similarity(self._encoder)
        self.unit_length = self.similarity == "cosine"
        self.tell_of_prompts()

    @property
    def num_parameters(self) -> int | None:
        """Number of parameters; None for a model without any network that can be seen."""
        networks = modules_of(self._encoder).values()
        seen = {id(one): one.numel() for network in networks for one in network.parameters()}
        return sum(seen.values()) if seen else None

    def to(self, device: torch.device) -> Self:
        """Move the networks to a device, and tell the model so."""
        for module in modules_of(self._encoder).values():
            module.to(device)
        held = getattr(self._encoder, "__dict__", {})
        if isinstance(held.get("device"), str):
            self._encoder.device = str(device)
        elif isinstance(held.get("device"), torch.device):
            self._encoder.device = torch.device(device)
        return super().to(device)

    def texts_in(self, captions: Sequence[str], direction: TaskDirection) -> torch.Tensor:
        """Return one vector a caption: T x C."""
        datasets = import_extra("datasets", "mteb", "--model mteb:...")
        role = role_of("texts", direction)
        inputs = text_inputs(datasets, captions, queries=role == "query")
        return self._vectors_of(inputs, role, direction, len(captions))

    def videos_in(self, videos: Sequence["Frames"], direction: TaskDirection) -> torch.Tensor:
        """Return one vector a video: V x C."""
        datasets = import_extra("datasets", "mteb", "--model mteb:...")
        role = role_of("videos", direction)
        if self._of_videos:
            inputs = video_inputs(datasets, videos)
            return self._vectors_of(inputs, role, direction, len(videos))
        counts = [len(video) for video in videos]
        frames = [frame for video in videos for frame in video]
        inputs = image_inputs(datasets, frames)
        vectors = self._vectors_of(inputs, role, direction, len(frames))
        if self._frames_to_video == "unit_mean":
            vectors = functional.normalize(vectors, dim=-1)
        return torch.stack([part.mean(dim=0) for part in torch.split(vectors, counts)])

    def score(self, texts: "Features", videos: "Features") -> torch.Tensor:
        """Return the scores: float32, T x V."""
        if self.scores_by_vectors:
            return super().score(texts, videos)
        with torch.no_grad():
            scores = self._encoder.similarity(texts[VECTOR], videos[VECTOR])
        return torch.as_tensor(scores).float()

    @property
    def scores_by_vectors(self) -> bool:
        """Whether a score is the inner product of the two vectors."""
        return self.similarity != "the model's own"

    def origin(self) -> dict[str, Any]:
        """Return where the weights come from."""
        return {
            "source": self._loaded.name,
            "revision": self._loaded.revision,
            "weights_sha256": self._weights_sha256,
        }

    def conventions(self) -> dict[str, Any]:
        """Return prompts, frames, similarity, and how mteb loads the model."""
        return {
            "revision": self._loaded.revision,
            "loader": self._loaded.loader,
            "dtype": self._dtype,
            "similarity": self.similarity,
            **self.prompt_conventions(),
            "query_prompt": {way: QUERY_PROMPTS[way] for way in TASK_DIRECTIONS}
            if self.scores_each_way
            else QUERY_PROMPTS[self.first_direction],
            "model_prompts": self._model_prompts,
            "frames_to_video": "model" if self._of_videos else self._frames_to_video,
            "frames_taken": {
                name: getattr(self._encoder, name, None)
                for name in ("num_frames", "fps", "max_frames")
            },
        }

    @property
    def _frames_to_video(self) -> Literal["unit_mean", "mean"]:
        return self.config.frames_to_video if self.unit_length else "mean"

    @cached_property
    def _weights_sha256(self) -> str | None:
        tensors = {
            f"{name}.{key}" if name else key: tensor
            for name, network in modules_of(self._encoder).items()
            for key, tensor in network.state_dict().items()
        }
        return tensors_sha256(tensors) if tensors else None

    @property
    def _dtype(self) -> str:
        networks = modules_of(self._encoder).values()
        dtypes = {str(one.dtype) for network in networks for one in network.parameters()}
        return ", ".join(sorted(one.removeprefix("torch.") for one in dtypes)) or "unknown"

    @cached_property
    def _model_prompts(self) -> dict[str, str]:
        """The model's own prompts that apply to this task."""
        held = getattr(self._encoder, "model_prompts", None) or {}
        held = held or getattr(self._encoder, "prompts_dict", None) or {}
        kinds = ("query", "document")
        names = (*kinds, TASK_TYPE, *(f"{TASK_TYPE}-{kind}" for kind in kinds))
        return {name: str(held[name]) for name in names if name in held}

    def _vectors_of(
        self,
        inputs: "DataLoader[dict[str, Any]]",
        role: Role,
        direction: TaskDirection,
        expected: int,
    ) -> torch.Tensor:
        from mteb.types import PromptType

        with quiet(), torch.no_grad():
            found = self._encoder.encode(
                inputs,
                task_metadata=self._task_metadata[direction],
                hf_split="test",
                hf_subset="default",
                prompt_type=PromptType(role),
                batch_size=inputs.batch_size,
                show_progress_bar=False,
            )
        vectors = torch.as_tensor(found)
        vectors = (vectors.to_dense() if vectors.is_sparse else vectors).float().to(self.device)
        if vectors.ndim != 2 or len(vectors) != expected:
            raise InputError(
                f"{self.name}: encode returned {tuple(vectors.shape)}: expected a vector for each "
                f"of {expected} inputs"
            )
        return vectors


def _similarity(encoder: Any) -> Similarity:
    """Tell what a model's similarity is by trying it: what is declared may not be what is used."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(rows, _PROBE_WIDTH, generator=generator) for rows in (3, 4))
    try:
        with quiet(), torch.no_grad():
            found = torch.as_tensor(encoder.similarity(left, right)).float().cpu()
    except Exception:  # such as one that takes vectors of its own width alone
        return "the model's own"
    cosine = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T
    known: dict[Similarity, torch.Tensor] = {"cosine": cosine, "inner product": left @ right.T}
    for name, expected in known.items():
        if found.shape == expected.shape and torch.allclose(found, expected, atol=_PROBE_TOLERANCE):
            return name
    return "the model's own"


def _task_metadata(direction: TaskDirection, video: Literal["v", "i"]) -> Any:
    """Return what mteb is told of the task: the same as of an exported one."""
    from mteb.abstasks.task_metadata import TaskMetadata

    told = {
        "name": mteb_task_name("dvtr-bench", direction),
        "description": "Retrieval of videos and captions by dvtr-bench.",
        "dataset": {"path": "dvtr-bench", "revision": "none"},
        "type": TASK_TYPE,
        "category": direction.replace("v", video),
        "modalities": ["text", "video" if video == "v" else "image"],
        "prompt": {"query": QUERY_PROMPTS[direction]},
        "eval_langs": ["eng-Latn"],
        "main_score": "hit_rate_at_1",
    }
    return TaskMetadata.model_validate(told)
