"""A finished training: checkpoint, log and curves."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.runtime.checkpoint import RUN_FILE, checkpoint_folder, read_json
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    import pandas as pd

    from dvtr_bench.reports.chart import Chart


@dataclass(frozen=True, repr=False)
class TrainedRun:
    """One model trained on one dataset with one seed.

    Attributes:
        model: The model's key.
        dataset: The training dataset.
        folder: The run folder, with the checkpoints, ``run.json`` and ``log.jsonl``.
        checkpoint: The checkpoint with the best T2V R@1 on validation.
        seed: Seed of weights, order and dropout.
        epochs: Epochs of the recipe.
        epochs_done: Epochs done.
        validation_t2v_r1: T2V R@1 of the checkpoint on validation, percent.
    """

    model: str
    dataset: BuiltDataset
    folder: Path
    checkpoint: Path
    seed: int
    epochs: int
    epochs_done: int
    validation_t2v_r1: float

    @classmethod
    def read(cls, folder: Path, dataset: BuiltDataset) -> "TrainedRun":
        """Read a finished run.

        Args:
            folder: The run folder.
            dataset: What it was trained on.

        Returns:
            The run.

        Raises:
            NotFoundError: There is no run, or no checkpoint in it.
            WeightsError: Its run.json is damaged.
        """
        checkpoint = checkpoint_folder(folder)
        state = read_json(folder / RUN_FILE)
        recipe: dict[str, Any] = state["setup"]["recipe"]
        return cls(
            model=state["setup"]["model"]["model"],
            dataset=dataset,
            folder=folder,
            checkpoint=checkpoint,
            seed=recipe["seed"],
            epochs=recipe["epochs"],
            epochs_done=state["epochs_done"],
            validation_t2v_r1=state["best_recall"],
        )

    @property
    def stopped_early(self) -> bool:
        """Whether it stopped early, before its last epoch."""
        return self.epochs_done < self.epochs

    @property
    def outcome(self) -> str:
        """Its best checkpoint and what that came to on validation, in a line."""
        stopped = f"; stopped early, after epoch {self.epochs_done}" if self.stopped_early else ""
        recall = f"T2V R@1 {self.validation_t2v_r1:.1f}{stopped}"
        return f"best checkpoint on validation: {self.checkpoint} ({recall})"

    def log(self) -> "pd.DataFrame":
        """Return the log: one row per step (``loss`` and its parts) and one per epoch.

        Returns:
            The columns of ``log.jsonl``; a row of an epoch has ``validation_t2v_r1``.
        """
        import pandas as pd

        from dvtr_bench.training.log_lines import read_log_lines

        return pd.DataFrame(read_log_lines(self.folder))

    def chart(self) -> "Chart":
        """Return a chart of T2V R@1 on validation after every epoch."""
        from dvtr_bench.reports.chart import Chart
        from dvtr_bench.reports.chart_data import Series

        log = self.log().dropna(subset=["validation_t2v_r1"])
        points = list(zip(log["epoch"], log["validation_t2v_r1"], strict=True))
        title = f"{self.model} on {self.dataset.name}, seed {self.seed}"
        y_axis = "T2V R@1 on validation, percent"
        return Chart("lines", Series(title, "epoch", y_axis, {"validation": points}, True))

    def __repr__(self) -> str:
        """Model, dataset, seed, R@1 on validation and the checkpoint."""
        stopped = ", stopped early" if self.stopped_early else ""
        return (
            f"TrainedRun({self.model} on {self.dataset.name}, seed {self.seed}, "
            f"{count_of(self.epochs_done, 'epoch')}{stopped}, validation T2V R@1 "
            f"{self.validation_t2v_r1:.1f}, {str(self.checkpoint)!r})"
        )

    def _repr_html_(self) -> str:
        from dvtr_bench.reports.html_table import html_table

        facts = {
            "seed": str(self.seed),
            "epochs": f"{self.epochs_done} of {self.epochs}",
            "validation T2V R@1": f"{self.validation_t2v_r1:.1f}",
            "checkpoint": str(self.checkpoint),
        }
        title = f"{self.model} on {self.dataset.name} {self.dataset.manifest.version}"
        return html_table([title, ""], list(map(list, facts.items())), text_columns=2)
