"""Training curves of results: the log of the run that made each model."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import NotFoundError, WeightsError
from dvtr_bench.models.entry import without_earlier
from dvtr_bench.reading.border import reading
from dvtr_bench.results import RunRecord
from dvtr_bench.runtime.checkpoint import CONFIG_FILE, RUN_FILE, best_of_run, read_json
from dvtr_bench.training.log_lines import read_log_lines
from dvtr_bench.training.recipe import whole_recipe
from dvtr_bench.training.run import LOG_FILE
from leaderboard.plot_subject import Subject

MOST_POINTS: Final = 400
"""Of a loss over steps; longer logs are shown by the mean of each few steps."""


@dataclass(frozen=True)
class RunLog:
    """The curves of one training.

    Attributes:
        validation: Epoch and T2V R@1 on validation, percent.
        loss: Step and loss; of a long training the mean of each few steps, at the last of them.
    """

    validation: list[tuple[float, float]]
    loss: list[tuple[float, float]]


def logged_runs(subject: Subject) -> tuple[dict[str, RunLog], tuple[str, ...]]:
    """Return the curves of every run of a board that was trained here.

    Args:
        subject: The board, and the folder of training runs.

    Returns:
        Curves by name of the row and seed, and a sentence about each trained run without a log.

    Raises:
        NotFoundError: No run has a log.
        WeightsError: A run.json is damaged.
    """
    folders = RunFolders(subject.runs)
    logs: dict[str, RunLog] = {}
    missing: list[str] = []
    shown: set[Path] = set()
    for entry in subject.board.entries:
        for run in entry.runs:
            if run.model.training is None:
                continue
            folder = folders.find(run)
            seeds = ", ".join(map(str, run.model.seeds))
            if folder is None:
                missing.append(f"{entry.name}, seed {seeds}: no log in {subject.runs}")
            elif folder not in shown:
                # Two rows may come of one training, such as two text blocks of one model.
                shown.add(folder)
                logs[f"{entry.name}, seed {seeds}"] = read_log(folder)
    if not logs:
        raise NotFoundError(
            f"{subject.title('training')}: no log of these results stands in {subject.runs} "
            f"(*/*/*/{LOG_FILE}): name the folder that `dvtr-bench train` wrote its runs into"
        )
    return logs, tuple(missing)


class RunFolders:
    """The training runs of a folder, each found by what it trained.

    Args:
        runs: Folder of training runs; need not exist.
    """

    def __init__(self, runs: Path) -> None:
        """Read what stands in the folder."""
        self._found: dict[str, tuple[str, Path]] = {}
        self._by_weights: dict[str, Path] = {}
        for path in sorted(runs.glob(f"*/*/*/{RUN_FILE}")):
            if not (path.parent / LOG_FILE).is_file():
                continue
            with reading(path, "the state of a training", WeightsError, "train again"):
                self._add(path, read_json(path))

    def _add(self, path: Path, state: Mapping[str, Any]) -> None:
        setup = state.get("setup", {})
        model, dataset = setup.get("model", {}), setup.get("dataset", {})
        key = _key(
            model.get("model"),
            model.get("config", {}),
            dataset.get("fingerprint"),
            setup.get("recipe", {}),
        )
        if state.get("best") is not None:
            best = best_of_run(path.parent, state["best"]) / CONFIG_FILE
            if best.is_file():
                self._by_weights[str(read_json(best)["weights_sha256"])] = path.parent
        updated = str(state.get("updated_at", ""))
        if key not in self._found or updated >= self._found[key][0]:
            self._found[key] = (updated, path.parent)

    def find(self, record: RunRecord) -> Path | None:
        """Return the run whose best checkpoint a model is.

        Where checkpoints are gone, it is the newest run with the model's settings, training data,
        recipe and seed.

        Args:
            record: A result.

        Returns:
            Its folder, which has a log; None if there is none.
        """
        model, training = record.model, record.model.training
        if training is None:
            return None
        if model.checkpoint_sha256 in self._by_weights:
            return self._by_weights[model.checkpoint_sha256]
        key = _key(model.name, model.config, training.fingerprint, training.recipe)
        found = self._found.get(key)
        return None if found is None else found[1]


def read_log(folder: Path) -> RunLog:
    """Read the curves of a run.

    Args:
        folder: A run's folder with its log. A line that a killed run left incomplete is skipped.

    Returns:
        The curves.

    Raises:
        WeightsError: The log cannot be read.
    """
    validation: list[tuple[float, float]] = []
    loss: list[tuple[float, float]] = []
    for told in read_log_lines(folder):
        where = folder / LOG_FILE
        with reading(where, "a log of a training", WeightsError, "train again"):
            if "validation_t2v_r1" in told:
                validation.append((float(told["epoch"]), float(told["validation_t2v_r1"])))
            elif "loss" in told and "step" in told:
                loss.append((float(told["step"]), float(told["loss"])))
    return RunLog(_ascending(validation), _thinned(_ascending(loss)))


def _key(model: Any, config: Mapping[str, Any], fingerprint: Any, recipe: Mapping[str, Any]) -> str:
    parts = [model, without_earlier(config), fingerprint, whole_recipe(recipe)]
    return json.dumps(parts, sort_keys=True, default=list)


def _ascending(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points in order of x; of two at one x, the later line counts."""
    return sorted(dict(points).items())


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    each = -(-len(points) // MOST_POINTS)
    groups = [points[at : at + each] for at in range(0, len(points), each or 1)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]
