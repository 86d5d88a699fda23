"""The training log as TensorBoard event files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dvtr_bench.errors import NotFoundError

FOLDER: Final = "tensorboard"

_ABOUT: Final = frozenset(("epoch", "step", "seconds"))
"""Fields of a record that are not figures."""


class EventLog:
    """Event files in ``tensorboard/`` of the run folder.

    Figures of steps are named ``train/...``; those of epochs are written at its last step.

    Args:
        folder: The run's folder.
        steps_done: Steps that count; later ones, from an interrupted run, are purged.

    Raises:
        NotFoundError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, steps_done: int) -> None:
        """Open a new event file."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as failure:
            raise NotFoundError(
                f"TensorBoard is not installed ({failure}): pip install 'dvtr-bench[tensorboard]', "
                "or leave out --tensorboard; log.jsonl in the run folder has the same figures"
            ) from None
        self._step = steps_done
        self._writer = SummaryWriter(str(folder / FOLDER), purge_step=steps_done + 1)

    def write(self, record: Mapping[str, float]) -> None:
        """Add the figures of one step, or of one epoch, which has no ``step``."""
        is_step = "step" in record
        self._step = int(record.get("step", self._step))
        for name, value in record.items():
            if name not in _ABOUT:
                self._writer.add_scalar(f"train/{name}" if is_step else name, value, self._step)
        if not is_step:
            self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()
