"""Models of sentence-transformers that take text, and images or video."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from baselines.pretrained import sentence_models
from baselines.pretrained.captions import FULL_LENGTH
from baselines.pretrained.folder import DESCRIPTIONS, ModelFolder, find_folder, require_trust
from baselines.pretrained.frames import frame_means
from baselines.pretrained.pretrained_model import PretrainedModel
from baselines.pretrained.prompted_model import (
    PromptedConfig,
    PromptedModel,
    Role,
    role_of,
)
from baselines.pretrained.transformers_model import (
    WEIGHTS,
    frames_of,
    positions_of,
    text_defaults,
    vectors_of,
)
from dvtr_bench.dataset.mteb_tasks import TaskDirection
from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.models.fixed_batches import in_fixed_batches
from dvtr_bench.models.retriever import Features, Frames

SCORING: Final = "pairwise"
EXAMPLES: Final = (
    "st:sentence-transformers/clip-ViT-B-32",
    "st:Qwen/Qwen3-VL-Embedding-2B",
    "st:FOLDER",
)
EXTRA: Final = "st"
NEEDS: Final = ("sentence_transformers",)

_BY_INNER_PRODUCT: Final = ("cosine", "dot")
_DOCUMENT_PROMPTS: Final = ("document", "passage", "corpus")
"""Names under which a model may keep its prompt for what is found; the first is taken."""


@dataclass(frozen=True)
class Config(PromptedConfig):
    """What can be set of a model of sentence-transformers.

    Attributes:
        query_prompt: Text before a caption that is a query, or that a model that takes messages is
            given with a video that is one; none for what the model's files say.
        document_prompt: The same for documents.
        video_input: Whether the model is given a video as one (video) or frame by frame, of which
            the mean is taken (frames); none for a video if the model takes one.
        fps: Frames a second that a model of videos is told: the frames of a dataset are evenly
            spaced over their clip, and their times are not known.
        batch: Captions or frames that are computed at a time, always so many: in low precision a
            vector depends on the size of its batch. Of whole videos, as many as have so many
            frames, at least one.
        trust_remote_code: Let code of the model's own repository run on this machine.

    Raises:
        ConfigError: A value is out of range.
    """

    query_prompt: str | None = None
    document_prompt: str | None = None
    video_input: Literal["video", "frames"] | None = None
    fps: float = 1.0
    batch: int = 8
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        sentence_models.require_settings(self.fps, self.batch)


class Model(PretrainedModel, PromptedModel):
    """A model that encodes queries by ``encode_query`` and documents by ``encode_document``.

    Args:
        reference: ``ORG/NAME``, ``ORG/NAME@REVISION`` or a folder.
        config: Its settings.

    Raises:
        NotFoundError: There is no such folder or repository, or sentence-transformers is not
            installed.
        WeightsError: It is no model of sentence-transformers, holds pickles, or takes no pictures.
        ConfigError: It runs code of its own, which was not allowed; or a setting does not fit it.
    """

    libraries = ("sentence-transformers", "transformers", "tokenizers", "torchvision")

    def __init__(self, reference: str, config: Config) -> None:
        """Find and load the model."""
        patterns = [*DESCRIPTIONS, WEIGHTS, *(["*.py"] if config.trust_remote_code else [])]
        folder = find_folder("st", reference, patterns=patterns)
        super().__init__(f"st:{folder.name}", config)
        self.config: Config = config
        needs = _require_loadable(folder, self.name)
        require_trust(folder, "st", needs, trusted=config.trust_remote_code)
        self._model = sentence_models.load(
            "SentenceTransformer",
            folder,
            self.name,
            dtype=config.torch_dtype,
            trust_remote_code=config.trust_remote_code,
        )
        self._similarity: str = self._model.similarity_fn_name
        self.unit_length = self._similarity == "cosine"
        self._as_video = self._takes_video()
        inner = self._model.transformers_model
        num_frames = frames_of(inner.config) if inner is not None and self._as_video else None
        self._padding = self._own_padding()
        self._visual = sentence_models.visual_processor(self._model, of_video=self._as_video)
        self.take(self._model, folder, num_frames=num_frames, processor=self._visual)
        prompts = self._model.prompts
        self._prompts: dict[Role, str | None] = {
            "query": self._prompt(config.query_prompt, prompts, ["query"]),
            "document": self._prompt(config.document_prompt, prompts, _DOCUMENT_PROMPTS),
        }
        self.tell_of_prompts()

    @property
    def scores_by_vectors(self) -> bool:
        """Whether a score is the inner product of the two vectors."""
        return self._similarity in _BY_INNER_PRODUCT

    def conventions(self) -> Mapping[str, Any]:
        """Return how captions and frames are read, as the model's own files say."""
        padding = self._padding.get("text")
        return {
            "revision": self._revision,
            "query_prompt": self._prompts["query"],
            "document_prompt": self._prompts["document"],
            **self.prompt_conventions(),
            "video_input": "video" if self._as_video else "frames",
            "frames_to_video": "that of the model" if self._as_video else "mean",
            "frame_fit": self._shape.frame_fit,
            "image_size": self._shape.size,
            "max_words": self._model.max_seq_length,
            "padding": "to the full length" if padding else "to its own length",
            "similarity": self._similarity,
            "modules": " + ".join(type(module).__name__ for module in self._model),
        }

    def tokens_read(self, captions: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the tokens that the model reads, and which captions have more.

        Where captions have two prompts, it is what it reads of queries.
        """
        role = role_of("texts", self.first_direction)
        most = self._model.max_seq_length
        found = [self._tokens(role, {"text": caption}) for caption in captions]
        read = np.zeros((len(found), max(map(len, found), default=0)), dtype=np.int64)
        is_cut = np.zeros(len(found), dtype=bool)
        for row, tokens in enumerate(found):
            read[row, : len(tokens)] = tokens
            if most is not None and len(tokens) >= most:
                text = f"{self._prompts[role] or ''}{captions[row]}"
                is_cut[row] = len(self._model.tokenizer(text, verbose=False)["input_ids"]) > most
        return read, is_cut

    def texts_in(self, captions: Sequence[str], direction: TaskDirection) -> torch.Tensor:
        """Return ``encode_query`` or ``encode_document`` of each caption: T x C."""
        role = role_of("texts", direction)
        # As plain text, a caption such as "https://.../a.jpg" would be fetched as a picture.
        items = [{"text": caption} for caption in captions]

        # Captions of one length are computed together, unpadded.
        def num_tokens(item: Mapping[str, str]) -> int:
            return len(self._tokens(role, item))

        return in_fixed_batches(items, self.config.batch, partial(self._encoded, role), num_tokens)

    def videos_in(self, videos: Sequence[Frames], direction: TaskDirection) -> torch.Tensor:
        """Return the same of each video, or the mean of its frames' unit vectors: V x C."""
        compute = partial(self._encoded, role_of("videos", direction))
        if self._as_video:
            clips = ({"video": self._clip(video)} for video in videos)
            at_a_time = max(1, self.config.batch // (self.most_frames or 1))
            return in_fixed_batches(clips, at_a_time, compute, _clip_size)
        pictures = ({"image": Image.fromarray(frame)} for video in videos for frame in video)
        vectors = in_fixed_batches(pictures, self.config.batch, compute, _picture_size)
        return frame_means(vectors, [len(video) for video in videos])

    @torch.no_grad()
    def score(self, texts: Features, videos: Features) -> torch.Tensor:
        """Return the similarity that the model's files name: float32, T x V."""
        if self.scores_by_vectors:
            return super().score(texts, videos)
        scores: torch.Tensor = self._model.similarity(
            self.text_vectors(texts), self.video_vectors(videos)
        )
        return scores

    def _encoded(self, role: Role, batch: Sequence[Any]) -> torch.Tensor:
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        vectors: torch.Tensor = encode(
            list(batch),
            prompt=self._prompts[role],
            batch_size=len(batch),
            show_progress_bar=False,
            convert_to_tensor=True,
            processing_kwargs=self._padding,
        )
        # Tensors of inference mode may not be changed outside of it.
        return vectors_of(vectors.clone(), self.name)

    def _tokens(self, role: Role, item: Mapping[str, str]) -> list[int]:
        read = self._model.preprocess(
            [item], prompt=self._prompts[role], task=role, processing_kwargs=self._padding
        )
        tokens: list[int] = read["input_ids"][0].tolist()
        return tokens

    def _clip(self, video: Frames) -> dict[str, Any]:
        shown = sentence_models.shown_frames(video, self._num_frames, self._visual)
        times = sentence_models.frame_times(len(shown), self.config.fps)
        return {"array": shown, "video_metadata": times}

    def _takes_video(self) -> bool:
        supported = sentence_models.visual_inputs(self._model, self.name)
        wanted = {"video": "video", "frames": "image", None: supported[0]}[self.config.video_input]
        if wanted not in supported:
            raise ConfigError(
                f"video_input: {self.name} takes no {wanted}, only {' and '.join(supported)}"
            )
        return wanted == "video"

    def _own_padding(self) -> dict[str, dict[str, Any]]:
        """Return how the processor is called beside what the model's files say."""
        padding: dict[str, dict[str, Any]] = {"video": {"do_sample_frames": False}}
        inner = self._model.transformers_model
        stated = getattr(self._model[0], "processing_kwargs", {}).get("text", {})
        if inner is None or "padding" in stated:
            return padding
        own = text_defaults(self._model.processor).get("padding") == "max_length"
        if own or inner.config.model_type in FULL_LENGTH:
            lengths = (self._model.max_seq_length, positions_of(inner.config))
            length = min(one for one in lengths if one is not None)
            padding["text"] = {"padding": "max_length", "max_length": length}
        return padding

    @staticmethod
    def _prompt(
        given: str | None, prompts: Mapping[str, str | None], names: Sequence[str]
    ) -> str | None:
        """Return a prompt as sentence-transformers chooses it, so that it can be recorded."""
        if given is not None:
            return given
        return next((prompts[name] for name in names if name in prompts), None)


def _require_loadable(folder: ModelFolder, where: str) -> str:
    """Refuse what is no such model, or holds pickles; return the code of its own that it runs."""
    if not (folder.path / "modules.json").is_file():
        raise WeightsError(
            f"{where}: there is no modules.json in its folder, so sentence-transformers would put "
            "a pooling on it that nobody trained. A model of transformers is named as "
            f"hf:{folder.name}"
        )
    if sentence_models.kind_of(folder, where) == "CrossEncoder":
        raise WeightsError(
            f"{where} is a CrossEncoder, which gives no vectors but a score for each pair: it is "
            f"named as cross_encoder:{folder.name}"
        )
    return sentence_models.code_of_modules(folder, where)


def _picture_size(item: Mapping[str, Image.Image]) -> tuple[int, int]:
    return item["image"].size


def _clip_size(item: Mapping[str, Any]) -> tuple[int, tuple[int, int]]:
    shown = item["video"]["array"]
    return len(shown), shown[0].size
