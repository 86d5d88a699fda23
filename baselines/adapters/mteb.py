"""Models of mteb, as it loads and asks them: of its registry, of the Hub or of a folder.

A model is asked for queries or for documents, and may use another prompt for each. By default
captions are the queries, as text-to-video search has it; ``prompts=v2t`` makes videos the queries.
One sim_matrix gives the figures of both directions, so those of the other one come from prompts
that mteb would not use for it; the record says whether the two kinds of prompts matter.

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
from dvtr_bench.dataset.mteb_tasks import QUERY_PROMPTS, TASK_TYPE, TaskDirection, mteb_task_name
from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.models.embedding_model import VECTOR, EmbeddingConfig, EmbeddingModel
from dvtr_bench.runtime.checkpoint import tensors_sha256
from dvtr_bench.runtime.extras import import_extra
from dvtr_bench.runtime.progress import say

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
_PROBE_CAPTION: Final = "a drone looks down"


@dataclass(frozen=True)
class Config(EmbeddingConfig):
    """Its settings.

    Attributes:
        prompts: Which of the two are asked for as queries: ``t2v`` captions, ``v2t`` videos.
        frames_to_video: For a model of images: ``unit_mean`` makes every frame's vector unit length
            before the mean, ``mean`` does not, as mteb's ``Video2ImagesWrapper``. A score that is
            an inner product keeps lengths in either case.
        trust_remote_code: Whether code of the model's repository may be run; a warning is printed.

    Raises:
        ConfigError: A value is not one of these, or ``dtype`` is set: a model has that of its
            loader.
    """

    prompts: TaskDirection = "t2v"
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
        if self.prompts not in QUERY_PROMPTS:
            raise ConfigError(f"prompts must be t2v or v2t, found {self.prompts!r}")
        if self.frames_to_video not in ("unit_mean", "mean"):
            raise ConfigError(
                f"frames_to_video must be unit_mean or mean, found {self.frames_to_video!r}"
            )


class Model(EmbeddingModel):
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
        self._task_metadata = _task_metadata(config.prompts, "v" if self._of_videos else "i")
        for module in modules_of(self._encoder).values():
            module.eval()
        self.similarity = _similarity(self._encoder)
        self.unit_length = self.similarity == "cosine"
        if self._prompts_differ:
            other = "v2t" if config.prompts == "t2v" else "t2v"
            say(
                f"{self.name} has other prompts for queries than for documents: both directions "
                f"have those of {config.prompts} here; for {other} as mteb runs it, take that "
                f"column of --set prompts={other}"
            )

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

    def embed_texts(self, captions: Sequence[str]) -> torch.Tensor:
        """Return one vector a caption: T x C."""
        return self._texts(captions, queries=self.config.prompts == "t2v")

    def embed_videos(self, videos: Sequence["Frames"]) -> torch.Tensor:
        """Return one vector a video: V x C."""
        datasets = import_extra("datasets", "mteb", "--model mteb:...")
        queries = self.config.prompts == "v2t"
        if self._of_videos:
            return self._vectors_of(video_inputs(datasets, videos), queries, len(videos))
        counts = [len(video) for video in videos]
        frames = [frame for video in videos for frame in video]
        vectors = self._vectors_of(image_inputs(datasets, frames), queries, len(frames))
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
            "captions_as": "query" if self.config.prompts == "t2v" else "document",
            "videos_as": "document" if self.config.prompts == "t2v" else "query",
            "query_prompt": QUERY_PROMPTS[self.config.prompts],
            "model_prompts": self._model_prompts,
            "prompts_differ": self._prompts_differ,
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

    @cached_property
    def _prompts_differ(self) -> bool:
        """Whether a caption has another vector as a query than as a document."""
        as_query, as_document = (
            self._texts([_PROBE_CAPTION], queries=queries) for queries in (True, False)
        )
        return not torch.allclose(as_query, as_document, atol=_PROBE_TOLERANCE)

    def _texts(self, captions: Sequence[str], *, queries: bool) -> torch.Tensor:
        datasets = import_extra("datasets", "mteb", "--model mteb:...")
        return self._vectors_of(
            text_inputs(datasets, captions, queries=queries), queries, len(captions)
        )

    def _vectors_of(
        self, inputs: "DataLoader[dict[str, Any]]", queries: bool, expected: int
    ) -> torch.Tensor:
        from mteb.types import PromptType

        with quiet(), torch.no_grad():
            found = self._encoder.encode(
                inputs,
                task_metadata=self._task_metadata,
                hf_split="test",
                hf_subset="default",
                prompt_type=PromptType.query if queries else PromptType.document,
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
