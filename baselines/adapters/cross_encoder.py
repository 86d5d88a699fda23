"""Cross-encoders of sentence-transformers, which read a caption and a clip together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch

from baselines.pretrained import sentence_models
from baselines.pretrained.folder import DESCRIPTIONS, ModelFolder, find_folder, require_trust
from baselines.pretrained.frames import fewer
from baselines.pretrained.pretrained_model import PretrainedModel
from baselines.pretrained.raw_features import (
    frames_as_tensors,
    frames_of,
    texts_as_tensors,
    texts_of,
)
from baselines.pretrained.transformers_model import WEIGHTS, code_of
from baselines.pretrained.transformers_model import frames_of as frames_taken
from dvtr_bench.errors import ConfigError, InputError, WeightsError
from dvtr_bench.models.fixed_batches import in_fixed_batches
from dvtr_bench.models.retriever import Features, Frames
from dvtr_bench.models.source_model import SourceConfig
from dvtr_bench.reading.border import brief
from dvtr_bench.runtime.terminal import write_line

SCORING: Final = "pairwise"
EXAMPLES: Final = (
    "cross_encoder:Qwen/Qwen3-VL-Reranker-2B",
    "cross_encoder:jinaai/jina-reranker-m0",
    "cross_encoder:FOLDER",
)
EXTRA: Final = "st"
NEEDS: Final = ("sentence_transformers",)

_PLAIN: Final = ("ForSequenceClassification", "ForCausalLM")
"""Ends of the names of classes of transformers that sentence-transformers takes as they are."""

_INPUTS: Final = {"video": "video", "images": "image", "frames": "image"}


@dataclass(frozen=True)
class Config(SourceConfig):
    """What can be set of a cross-encoder.

    Attributes:
        prompt: Instruction that the model is given with each pair; none for what the model's files
            say.
        video_input: Whether the model is given a video as one (video), as several pictures in one
            document (images), or picture by picture, of which the mean score is taken (frames);
            none for a video if the model takes one, else picture by picture.
        fps: Frames a second that a model of videos is told: the frames of a dataset are evenly
            spaced over their clip, and their times are not known.
        batch: Pairs that are computed at a time, always so many of one shape: in low precision a
            score depends on the size of its batch. More than 1 pays off where many captions have
            one length.
        trust_remote_code: Let code of the model's own repository run on this machine.

    Raises:
        ConfigError: A value is out of range.
    """

    prompt: str | None = None
    video_input: Literal["video", "images", "frames"] | None = None
    fps: float = 1.0
    batch: int = 1
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Check every field."""
        super().__post_init__()
        sentence_models.require_settings(self.fps, self.batch)


class Model(PretrainedModel):
    """A model whose score of a caption and a video is what ``CrossEncoder.predict`` gives, raw.

    Its features are the captions and the frames as they are.

    Args:
        reference: ``ORG/NAME``, ``ORG/NAME@REVISION`` or a folder.
        config: Its settings.

    Raises:
        NotFoundError: There is no such folder or repository, or sentence-transformers is not
            installed.
        WeightsError: It is no cross-encoder, holds pickles, lacks tensors, or takes no pictures.
        ConfigError: It runs code of its own, which was not allowed; or a setting does not fit it.
    """

    libraries = ("sentence-transformers", "transformers", "tokenizers", "torchvision")
    encodes_late: Literal[True] = True

    def __init__(self, reference: str, config: Config) -> None:
        """Find and load the model."""
        patterns = [*DESCRIPTIONS, WEIGHTS, *(["*.py"] if config.trust_remote_code else [])]
        folder = find_folder("cross_encoder", reference, patterns=patterns)
        super().__init__(f"cross_encoder:{folder.name}", config)
        self.config: Config = config
        needs = _require_loadable(folder, self.name)
        require_trust(folder, "cross_encoder", needs, trusted=config.trust_remote_code)
        model = sentence_models.load(
            "CrossEncoder",
            folder,
            self.name,
            dtype=config.torch_dtype,
            trust_remote_code=config.trust_remote_code,
            activation_fn=torch.nn.Identity(),
        )
        if model.num_labels != 1:
            raise WeightsError(
                f"{self.name} gives {model.num_labels} numbers a pair: a score of relevance is one"
            )
        self._input = self._chosen_input(model)
        as_video = self._input == "video"
        self._visual = sentence_models.visual_processor(model, of_video=as_video)
        inner = model.transformers_model
        num_frames = frames_taken(inner.config) if inner is not None and as_video else None
        self.take(model, folder, num_frames=num_frames, processor=self._visual)
        prompt = model.prompts.get(model.default_prompt_name)
        self._prompt: str | None = prompt if config.prompt is None else config.prompt
        self._most_tokens: int | None = model.max_seq_length
        self._cut_is_told = False
        self._try_a_pair()

    def conventions(self) -> Mapping[str, Any]:
        """Return how pairs are read, as the model's own files say."""
        return {
            "revision": self._revision,
            "prompt": self._prompt,
            "video_input": self._input,
            "frames_to_video": "mean score" if self._input == "frames" else "that of the model",
            "frame_fit": self._shape.frame_fit,
            "image_size": self._shape.size,
            "max_words": self._most_tokens,
            "score": "raw, before any activation",
            "modules": " + ".join(type(module).__name__ for module in self._model),
        }

    def encode_texts(self, captions: Sequence[str]) -> Features:
        """Return captions as they are."""
        return texts_as_tensors(captions)

    def encode_videos(self, videos: Sequence[Frames]) -> Features:
        """Return the frames that the model is given, as they are."""
        return frames_as_tensors(self.chosen_frames(videos))

    @torch.no_grad()
    def score(self, texts: Features, videos: Features) -> torch.Tensor:
        """Return the score of every caption with every video: float32, T x V."""
        captions, clips = texts_of(texts), frames_of(videos)
        pairs = (self._parts(caption, clip) for clip in clips for caption in captions)
        parts = (part for pair in pairs for part in pair)
        found = in_fixed_batches(parts, self.config.batch, self._computed, _shapes)
        by_frame = self._input == "frames"
        counts = [len(clip) if by_frame else 1 for clip in clips for _ in captions]
        scores = torch.stack([part.mean() for part in torch.split(found, counts)])
        return scores.view(len(clips), len(captions)).T

    def _parts(self, caption: str, clip: Frames) -> Iterator[dict[str, Any]]:
        """Yield the inputs of a pair; frame by frame where the model is given frames."""
        for frames in [[frame] for frame in clip] if self._input == "frames" else [clip]:
            yield self._inputs(caption, frames)

    def _inputs(self, caption: str, frames: Frames) -> dict[str, Any]:
        visual = self._visual if self._input == "video" else None
        shown = sentence_models.shown_frames(frames, self._num_frames, visual)
        settings: dict[str, Any] = {}
        if self._input == "video":
            # The frames have been chosen: a processor that samples would choose again.
            times = sentence_models.frame_times(len(shown), self.config.fps)
            settings["video"] = {"do_sample_frames": False, "video_metadata": [times]}
        # As plain text, a caption such as "https://.../a.jpg" would be fetched as a picture.
        pair = ({"text": caption}, {_INPUTS[self._input]: shown})
        try:
            made = self._model.preprocess([pair], prompt=self._prompt, processing_kwargs=settings)
        except Exception as failure:
            raise InputError(
                f"{self.name}: a caption of {len(caption)} letters with {len(shown)} frames cannot "
                f"be prepared ({brief(failure)}): if they are too many, --set max_frames=N gives "
                "the model fewer"
            ) from failure
        self._tell_cut(made["input_ids"].shape[1])
        return dict(made)

    def _tell_cut(self, num_tokens: int) -> None:
        if self._cut_is_told or self._most_tokens is None or num_tokens < self._most_tokens:
            return
        self._cut_is_told = True
        write_line(
            f"warning: {self.name} reads {self._most_tokens:,} tokens of a pair, and pairs are cut "
            "to them: --set max_frames=N gives it fewer frames",
            err=True,
        )

    def _computed(self, batch: Sequence[Mapping[str, Any]]) -> torch.Tensor:
        """Return the scores of inputs of one shape, as ``predict`` computes them."""
        joined = {name: _joined([one[name] for one in batch]) for name in batch[0]}
        inputs = {
            name: value.to(self.device) if torch.is_tensor(value) else value
            for name, value in joined.items()
        }
        scores: torch.Tensor = self._model(inputs)["scores"]
        return scores.float().reshape(len(batch))

    def _chosen_input(self, model: Any) -> str:
        supported = sentence_models.visual_inputs(model, self.name)
        if not model.supports("message"):
            raise WeightsError(
                f"{self.name} takes no messages, so sentence-transformers cannot give it a pair of "
                "text and pictures"
            )
        wanted = self.config.video_input or ("video" if "video" in supported else "frames")
        if _INPUTS[wanted] not in supported:
            raise ConfigError(
                f"video_input: {self.name} takes no {_INPUTS[wanted]}, only "
                f"{' and '.join(supported)}"
            )
        return wanted

    def _try_a_pair(self) -> None:
        """Refuse a model that cannot be given a pair at all, such as one without a template."""
        count = fewer(self.most_frames, 2) or 2
        frame = np.zeros((64, 64, 3), dtype=np.uint8)
        try:
            list(self._parts("a photo", [frame] * count))
        except InputError as failure:
            reason = brief(failure.__cause__ or failure)
            raise WeightsError(
                f"{self.name} cannot be given a caption with a video: {reason}"
            ) from failure


def _require_loadable(folder: ModelFolder, where: str) -> str:
    """Refuse what is no cross-encoder, or holds pickles; return the code of its own it runs."""
    if (folder.path / "modules.json").is_file():
        kind = sentence_models.kind_of(folder, where)
        if kind != "CrossEncoder":
            source = sentence_models.SOURCES.get(kind)
            named = f": it is named as {source}:{folder.name}" if source else ""
            raise WeightsError(f"{where} is a {kind} of sentence-transformers{named}")
        return sentence_models.code_of_modules(folder, where)
    config = folder.read_json("config.json")
    stated = config.get("architectures") if isinstance(config, Mapping) else None
    classes = [str(one) for one in stated] if isinstance(stated, list) else []
    if not any(one.endswith(_PLAIN) for one in classes):
        found = f"a {classes[0]} of transformers" if classes else "no model that it knows"
        raise WeightsError(
            f"{where}: no modules.json of a CrossEncoder in its folder, which holds {found}: "
            "sentence-transformers would put a head on it that nobody trained. Take a revision "
            "that was saved by sentence-transformers; a model that gives vectors is named as "
            f"hf:{folder.name}"
        )
    sentence_models.require_no_pickle(folder, where)
    return code_of(folder.path, where, EXTRA)


def _shapes(inputs: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    """Return what inputs have in common that are computed together."""
    return tuple(
        (name, tuple(value.shape) if torch.is_tensor(value) else str(value))
        for name, value in sorted(inputs.items())
    )


def _joined(values: Sequence[Any]) -> Any:
    """Return the values of several pairs for one input; those that are no tensors are equal."""
    return torch.cat(list(values)) if torch.is_tensor(values[0]) else values[0]
