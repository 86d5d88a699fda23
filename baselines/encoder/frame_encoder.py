"""The CLIP of all models here: encodes frames and captions as embeddings."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

from baselines.encoder.patches_over_time import PatchesOverTime, with_neighbours
from baselines.encoder.residual_blocks import encode_images, run_blocks
from baselines.weights.backbone_spec import (
    QUICK_GELU_SUFFIX,
    TINY,
    BackboneSpec,
    architecture_config,
    has_architecture,
    parse_backbone,
    pretrained_config,
)
from baselines.weights.download import find_or_fetch
from baselines.weights.tiny import TINY_CONFIG, VOCABULARY_SIZE, tiny_tokenizer
from baselines.weights.weights import load_weights, only_known, read_weights
from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.runtime.checkpoint import tensors_sha256

if TYPE_CHECKING:
    from baselines.encoder.preprocessing import FrameFit

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)


class FrameEncoder(nn.Module):
    """CLIP's two towers, which compute the embeddings for heads.

    Args:
        architecture: ``tiny`` or open_clip's name of a CLIP architecture.
        quick_gelu: Whether its towers use QuickGELU, as OpenAI's weights need.
        mean: Mean of the training pixels in 0..1, by channel.
        std: Their standard deviation.

    Attributes:
        embed_dim: C, the width of every embedding.
        image_size: Side of the input pixels.
        frame_fit: How its weights were trained to see a frame, see `FrameFit`.
        origin: What is recorded about the weights: ``source`` and ``weights_sha256``.

    Source: open_clip 3. differs: texts are cut before the text tower and not padded to 77 (the
        attention is causal, so the embeddings are the same); fewer passes over memory compute the
        same numbers (`run_blocks`); padded frames are encoded only if a model needs them
        (`encode_blank`).
    """

    pixel_mean: torch.Tensor
    pixel_std: torch.Tensor

    def __init__(
        self,
        architecture: str,
        *,
        quick_gelu: bool,
        mean: Sequence[float] = CLIP_MEAN,
        std: Sequence[float] = CLIP_STD,
    ) -> None:
        """Build the towers with random weights."""
        super().__init__()
        from open_clip.model import CLIP

        config = TINY_CONFIG if architecture == TINY else architecture_config(architecture)
        self.architecture = architecture
        self.quick_gelu = quick_gelu
        self.clip = CLIP(
            config["embed_dim"],
            vision_cfg=dict(config["vision_cfg"]),
            text_cfg=dict(config["text_cfg"]),
            quick_gelu=quick_gelu,
        )
        self.embed_dim = int(config["embed_dim"])
        self.image_size = int(config["vision_cfg"]["image_size"])
        self.frame_fit: FrameFit = "center_crop"
        self._vocabulary_size = int(config["text_cfg"].get("vocab_size", 49408))
        self.origin: dict[str, Any] = {
            "source": f"{architecture}, from scratch",
            "weights_sha256": None,
        }
        self._mean = tuple(mean)
        self._std = tuple(std)
        self.register_buffer("pixel_mean", _channels(mean), persistent=False)
        self.register_buffer("pixel_std", _channels(std), persistent=False)

    @property
    def logit_scale(self) -> torch.Tensor:
        """The learned logarithm of the factor on similarities in training, a scalar."""
        scale: torch.Tensor = self.clip.logit_scale
        return scale

    def tokenize(self, captions: Sequence[str], max_words: int) -> torch.Tensor:
        """Turn captions into token ids, cut at ``max_words``, with the end-of-text token last.

        Args:
            captions: T captions.
            max_words: L, including start and end tokens.

        Returns:
            int64, T x L, zeros behind the end-of-text token.
        """
        small = self._vocabulary_size == VOCABULARY_SIZE
        tokenizer = tiny_tokenizer() if small else _tokenizer()
        tokens: torch.Tensor = tokenizer(list(captions), context_length=max_words)
        return tokens

    def require_tokens(self, tokens: torch.Tensor) -> None:
        """Raise if token ids out of a file are not of the vocabulary.

        Args:
            tokens: int64, T x L.

        Raises:
            WeightsError: A token is not.
        """
        vocabulary = len(self.clip.token_embedding.weight)
        if tokens.min() < 0 or tokens.max() >= vocabulary:
            raise WeightsError(
                f"its text bank holds tokens that are not among the {vocabulary:,} of the "
                "backbone: name another checkpoint"
            )

    def encode_text(
        self, tokens: torch.Tensor, *, whole: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Encode token ids.

        Args:
            tokens: int64, T x L.
            whole: Whether the zeros after the end of text are encoded too.

        Returns:
            The end-of-text embeddings (T x C), the projected word tokens (T x L' x C, L' the
            longest text of the batch, or L) and their mask (bool, T x L'; False after the end of
            text, where the embeddings are those of padding). Not normalised.
        """
        clip = self.clip
        end = tokens.argmax(dim=-1)
        length = tokens.shape[1] if whole else int(end.max()) + 1
        tokens = tokens[:, :length]
        hidden = clip.token_embedding(tokens) + clip.positional_embedding[:length]
        hidden = run_blocks(clip.transformer, hidden, clip.attn_mask[:length, :length])
        word_embeds = clip.ln_final(hidden) @ clip.text_projection
        text_embeds = word_embeds[torch.arange(len(tokens), device=tokens.device), end]
        word_mask = torch.arange(length, device=tokens.device) <= end[:, None]
        return text_embeds, word_embeds, word_mask

    def encode_frames(
        self, pixels: torch.Tensor, video_index: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Encode frames.

        Args:
            pixels: uint8, N x 3 x image_size x image_size.
            video_index: int64, N: which video each frame is of, those of a video in a row; only
                used by patches that span frames. None encodes each frame by itself.

        Returns:
            N x C, not normalised.
        """
        return encode_images(self.clip.visual, self._images(pixels, video_index))

    def encode_blank(self) -> torch.Tensor:
        """Encode the frame with which CLIP4Clip pads videos: 0 after normalisation.

        Returns:
            1 x C, not normalised. In pixels it would be the mean colour, not black.

        Source: CLIP4Clip ``_get_rawvideo``: the array that frames are put into begins as zeros.
        """
        side = self.image_size
        return encode_images(self.clip.visual, self.pixel_mean.new_zeros(1, 3, side, side))

    def encode_patches(
        self, pixels: torch.Tensor, video_index: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode frames and their patches.

        Args:
            pixels: uint8, N x 3 x image_size x image_size.
            video_index: As for `encode_frames`.

        Returns:
            The frames' embeddings (N x C) and their patch tokens after the last norm, projected
            as the class token is (N x P x C, rows of patches from the top).

        Raises:
            ConfigError: The backbone is not a vision transformer.
        """
        visual = self.clip.visual
        if not hasattr(visual, "output_tokens"):
            raise ConfigError(
                f"the backbone {self.architecture} has no patch tokens: use a ViT backbone"
            )
        visual.output_tokens = True
        try:
            frame_embeds, patches = visual(self._images(pixels, video_index))
        finally:
            visual.output_tokens = False
        return frame_embeds, patches @ visual.proj

    def describe(self) -> Mapping[str, Any]:
        """Describe the backbone for records: enough to rebuild it, without its weights."""
        return {
            "architecture": self.architecture,
            "quick_gelu": self.quick_gelu,
            "mean": list(self._mean),
            "std": list(self._std),
            **self.origin,
        }

    def _images(self, pixels: torch.Tensor, video_index: torch.Tensor | None) -> torch.Tensor:
        """Normalise frames, and put their neighbours beside them if patches span frames."""
        images = self._normalise(pixels)
        if not isinstance(getattr(self.clip.visual, "conv1", None), PatchesOverTime):
            return images
        if video_index is None:
            video_index = torch.arange(len(images), device=images.device)
        return with_neighbours(images, video_index)

    def _normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        return (pixels.float() / 255 - self.pixel_mean) / self.pixel_std


def load_encoder(backbone: str) -> FrameEncoder:
    """Build a backbone and load the weights that its name states.

    QuickGELU: weights by tag have what open_clip records for the tag. ``openai`` has it (open_clip
    itself only warns where the architecture's name lacks ``-quickgelu``). By path, OpenAI's files
    have it and a checkpoint of ours says whether it has; any other file cannot tell, and the
    architecture's name decides: ``ViT-B-32-quickgelu/PATH`` or ``ViT-B-32/PATH``.

    Args:
        backbone: Such as ``ViT-B-32/openai``, ``ViT-B-32/PATH``, ``tiny`` (its weights come with
            the package), ``tiny-scratch`` (random weights), or ``tiny/PATH`` (PATH may be a
            checkpoint folder of ours).

    Returns:
        The encoder, float32, on the CPU.

    Raises:
        NotFoundError: No such architecture, file, or weights that cannot be fetched.
        WeightsError: A file that cannot be read or does not fit.
        ConfigError: The name lacks required weights.
    """
    spec = parse_backbone(backbone)
    if spec.tag is None and spec.path is None:
        return FrameEncoder(spec.architecture, quick_gelu=False)
    record = pretrained_config(spec.architecture, spec.tag) if spec.tag else {}
    if record.get("interpolation", "bicubic") != "bicubic" or (
        record.get("resize_mode", "shortest") != "shortest"
    ):
        raise ConfigError(
            f"{backbone} was trained with another preprocessing than CLIP's "
            f"({record['interpolation']}, {record['resize_mode']}), which is not supported"
        )
    path = spec.path if spec.path is not None else find_or_fetch(spec)
    file = read_weights(path)
    encoder = FrameEncoder(
        spec.architecture,
        quick_gelu=choose_quick_gelu(spec, record, file.quick_gelu),
        mean=record.get("mean") or CLIP_MEAN,
        std=record.get("std") or CLIP_STD,
    )
    tensors = file.tensors
    if file.is_openai_archive:
        tensors = only_known(tensors, encoder.clip)
    load_weights(encoder.clip, tensors, str(path))
    encoder.origin = {
        "source": backbone if spec.tag or backbone == TINY else f"{spec.architecture}/{path.name}",
        "weights_sha256": tensors_sha256(encoder.clip.state_dict()),
    }
    return encoder


def rebuild_encoder(description: Mapping[str, Any]) -> FrameEncoder:
    """Build the backbone that `FrameEncoder.describe` described, without loading weights.

    Args:
        description: What ``describe`` returned, perhaps read from a file of others.

    Returns:
        The encoder with random weights.

    Raises:
        NotFoundError: There is no such architecture.
        ConfigError: A part is missing or of another type.
    """
    for name, (fits, expected) in _DESCRIBED.items():
        if name not in description or not fits(description[name]):
            raise ConfigError(f"backbone.{name}: expected {expected}")
    encoder = FrameEncoder(
        description["architecture"],
        quick_gelu=description["quick_gelu"],
        mean=description["mean"],
        std=description["std"],
    )
    encoder.origin = {key: description[key] for key in ("source", "weights_sha256")}
    return encoder


def _are_channels(value: Any, *, least: float) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(CLIP_MEAN)
        and all(type(one) in (int, float) and least <= one <= _LARGEST_CHANNEL for one in value)
    )


_LARGEST_CHANNEL: Final = 256
_SMALLEST_STD: Final = 1e-6
_DESCRIBED: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "architecture": (lambda value: isinstance(value, str), "the name of an architecture"),
    "quick_gelu": (lambda value: isinstance(value, bool), "true or false"),
    "mean": (partial(_are_channels, least=-_LARGEST_CHANNEL), "three numbers, one a channel"),
    "std": (partial(_are_channels, least=_SMALLEST_STD), "three numbers above 0, one a channel"),
    "source": (lambda value: isinstance(value, str), "a text"),
    "weights_sha256": (
        lambda value: (
            value is None or (isinstance(value, str) and bool(re.fullmatch(r"[0-9a-f]{64}", value)))
        ),
        "a SHA-256 or null",
    ),
}
"""What a description must hold: whether a value is of the form, and the form in words."""


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    # Reading its merges takes longer than building a small model.
    from open_clip import SimpleTokenizer

    return SimpleTokenizer()


def _channels(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(tuple(values), dtype=torch.float32).view(3, 1, 1)


_LOGGER = logging.getLogger(__name__)


def choose_quick_gelu(
    spec: BackboneSpec, record: Mapping[str, Any], file_says: bool | None
) -> bool:
    """Choose between QuickGELU and GELU.

    Weights by tag have what open_clip records for the tag, a file that can tell has what it tells,
    and for any other file the architecture's name decides, which is then said in one line.

    Args:
        spec: The backbone as the user named it, with weights.
        record: open_clip's record of the tag; empty without one.
        file_says: Whether the weights were trained with QuickGELU; None where they cannot tell.

    Returns:
        True for QuickGELU.

    Raises:
        ConfigError: The name says QuickGELU and the file says GELU.
    """
    name = spec.architecture
    named = name != TINY and bool(architecture_config(name).get("quick_gelu"))
    if spec.tag is not None:
        return named or bool(record.get("quick_gelu")) or bool(file_says)
    if file_says is None:
        if not named and has_architecture(f"{name}{QUICK_GELU_SUFFIX}"):
            _LOGGER.warning(
                "note: %s does not say which activation its weights were trained with; %s has "
                "GELU. OpenAI's weights, and most that were fine-tuned from them, have QuickGELU: "
                "for those write --backbone %s%s/%s. The wrong one costs recall without an error; "
                "validation tells them apart",
                spec.path,
                name,
                name,
                QUICK_GELU_SUFFIX,
                spec.path,
            )
        return named
    if named and not file_says:
        raise ConfigError(
            f"{spec.path} was trained with GELU, and {name} has QuickGELU: write "
            f"{name.removesuffix(QUICK_GELU_SUFFIX)}/{spec.path}"
        )
    return file_says
