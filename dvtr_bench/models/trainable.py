"""What the training loop needs from a model, in addition to `Retriever`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from dvtr_bench.models.retriever import Features, Frames, StagedRetriever

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Trainable(StagedRetriever, Protocol):
    """A retriever that is a torch module and can be trained.

    It has two parts: the towers (`encode_tokens`, `encode_frames`) and the head (`head_loss`).
    Towers return named tensors whose first axis is the item and whose other axes do not depend on
    the batch. So the loop can store, cut and join them and gather them from other processes. It
    encodes each clip of a batch once, then passes captions and frames in matching order to
    `head_loss`.
    """

    @classmethod
    def rebuild(cls, description: Mapping[str, Any]) -> Self:
        """Build the model that `describe` described; its weights are loaded afterwards.

        Args:
            description: What ``describe`` returned, read back from JSON.
        """
        ...

    def tokenize(self, captions: Sequence[str]) -> "torch.Tensor":
        """Turn captions into token ids: int64, T x L."""
        ...

    def preprocess(self, videos: Sequence[Frames]) -> Features:
        """Turn stored frames into small CPU tensors; called from worker threads."""
        ...

    def encode_frames(self, prepared: Features) -> Features:
        """Encode preprocessed frames, with gradients: ``frame_embeds`` and ``frame_mask``."""
        ...

    def encode_frames_eval(self, prepared: Features) -> Features:
        """Like `encode_frames`, without gradients and in evaluation mode."""
        ...

    def encode_prepared(self, frames: Features) -> Features:
        """Turn encoded frames into the input of `score`, without gradients, in evaluation mode."""
        ...

    def encode_tokens(self, tokens: "torch.Tensor") -> Features:
        """Encode token ids, with gradients; returns at least what `head_texts` takes."""
        ...

    def encode_tokens_eval(self, tokens: "torch.Tensor") -> Features:
        """Like `encode_tokens`, without gradients and in evaluation mode."""
        ...

    def head_loss(self, texts: Features, frames: Features) -> "dict[str, torch.Tensor]":
        """Return ``loss`` and its parts for matching encoded captions and clips; scalars."""
        ...

    def see_training_captions(self, captions: Sequence[str]) -> None:
        """Store what the model needs from the training captions; called once, at the start."""
        ...

    def backbone_parameter_names(self) -> set[str]:
        """Return the names of parameters that came with the backbone."""
        ...

    def frame_parameter_names(self) -> set[str]:
        """Return the names of parameters that `encode_frames` uses."""
        ...

    def text_parameter_names(self) -> set[str]:
        """Return the names of parameters that `encode_tokens` uses."""
        ...

    def lowest_parameter_names(self, num_layers: int) -> set[str]:
        """Return the names of the parameters of both towers up to and including some first layers.

        Args:
            num_layers: Number of layers of each tower, counted from the input; 0 includes only what
                comes before the first layer.

        Raises:
            ConfigError: A tower has fewer layers, or no countable layers.
        """
        ...

    def set_checkpointing(self, on: bool) -> None:
        """Set activation checkpointing of the towers, which saves memory, if they support it."""
        ...

    def clamp_logit_scale(self, maximum: float) -> None:
        """Keep the logarithm of the logit scale at or below ``maximum``."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return all that `rebuild` needs, as JSON values for a checkpoint.

        Its ``model`` is the model's key, by which the checkpoint's model is found.
        """
        ...

    def to(self, device: "torch.device") -> Self:
        """Move to a device."""
        ...

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode."""
        ...

    def eval(self) -> Self:
        """Set evaluation mode."""
        ...

    def named_parameters(self) -> "Iterator[tuple[str, torch.nn.Parameter]]":
        """Return parameters by name."""
        ...

    def named_modules(self) -> "Iterator[tuple[str, torch.nn.Module]]":
        """Return modules by name."""
        ...

    def state_dict(self) -> "dict[str, torch.Tensor]":
        """Return all tensors by name."""
        ...

    def load_state_dict(self, state_dict: "Mapping[str, torch.Tensor]") -> Any:
        """Load all tensors by name."""
        ...
