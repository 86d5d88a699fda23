"""What models of transformers and of sentence-transformers have in common, once they are loaded."""

from collections.abc import Mapping
from typing import Any, Self

import torch

from baselines.pretrained.folder import ModelFolder
from baselines.pretrained.frames import FrameShape, fewer
from baselines.pretrained.transformers_model import num_parameters
from dvtr_bench.models.source_model import SourceModel
from dvtr_bench.runtime.checkpoint import tensors_sha256


class PretrainedModel(SourceModel):
    """A model with one network, out of a folder; `take` is called when it is loaded."""

    def take(
        self, network: Any, folder: ModelFolder, *, num_frames: int | None, processor: Any
    ) -> None:
        """Keep the network, and what is recorded of it.

        Args:
            network: The loaded network, with the weights as they will be used.
            folder: Where it came from.
            num_frames: Frames that its video tower takes; None for any number, or no such tower.
            processor: What prepares its frames.
        """
        self._model = network
        self._revision = folder.revision
        self._weights_sha256 = tensors_sha256(network.state_dict())
        self._num_frames = num_frames
        self._shape = FrameShape.of(processor)
        if self._shape.frame_fit is not None:
            # `dvtr_bench.evaluation.facts` asks those that have them.
            self.frame_fit, self.part_seen = self._shape.frame_fit, self._shape.part_seen

    @property
    def most_frames(self) -> int | None:
        """As many as its video tower takes, or ``max_frames`` if that is less."""
        return fewer(self._num_frames, self.config.max_frames)

    @property
    def num_parameters(self) -> int | None:
        """Number of parameters."""
        return num_parameters(self._model)

    def to(self, device: torch.device) -> Self:
        """Move the model to a device."""
        self._model.to(device)
        return super().to(device)

    def origin(self) -> Mapping[str, Any]:
        """Return name, commit and hash of the weights."""
        return {
            "source": self.name,
            "weights_sha256": self._weights_sha256,
            "revision": self._revision,
        }
