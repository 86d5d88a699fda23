"""Existing trainings in run folders, evaluations in result files, and their times."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.results import load_results, write_result
from dvtr_bench.results.files import result_path
from dvtr_bench.results.top_lists import write_top_lists
from dvtr_bench.runtime.checkpoint import RUN_FILE, read_json, write_json
from dvtr_bench.runtime.files import written_beside, written_together
from dvtr_bench.studies.carry_out import Evaluated
from dvtr_bench.studies.plan import Backbone, Run, Scoring, stated_config_of
from dvtr_bench.training.run import comparable

if TYPE_CHECKING:
    from dvtr_bench.results import RunRecord
    from dvtr_bench.studies.carry_out import Made

SECONDS_FILE: Final = "seconds.json"
"""In a run folder: the times of its training and evaluations."""


@dataclass
class Ledger:
    """The folders of trainings and result files, shared by all studies.

    Attributes:
        runs: Folder of trainings, ``<dataset>/<model>/<run>/``, as `dvtr-bench train` uses it too.
        results: Folder of result files.
        records: All records in the result files.
    """

    runs: Path
    results: Path
    records: list["RunRecord"] = field(default_factory=list)
    _folders: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def open(cls, out: Path) -> "Ledger":
        """Read the results under a folder."""
        ledger = cls(out / "runs", out / "results")
        if ledger.results.is_dir():
            ledger.records = load_results(ledger.results)
        return ledger

    def folder(self, run: Run) -> Path:
        """Return the folder of a run: that of the same training if it exists, else a new one.

        If there are several, a finished one is taken.
        """
        if run.key not in self._folders:
            self._folders[run.key] = self._find(run)
        return self._folders[run.key]

    def _find(self, run: Run) -> Path:
        model_folder = self.runs / run.dataset.name / run.model
        run_folder = None
        for path in sorted(model_folder.glob(f"*/{RUN_FILE}")):
            state = read_json(path)
            if trains(state.get("setup", {}), run):
                run_folder = path.parent
                if state.get("finished"):
                    break
        if run_folder is not None:
            return run_folder
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", run.rows[0] if run.rows else "backbone")
        seed = "" if run.seed is None else f"-seed{run.seed}"
        return model_folder / f"{name}{seed}-{run.key}"

    def is_trained(self, run: Run) -> bool:
        """Tell whether the training of a run is finished, or not needed."""
        if run.recipe is None:
            return True
        path = self.folder(run) / RUN_FILE
        return path.is_file() and bool(read_json(path).get("finished"))

    def record(self, run: Run, scoring: Scoring) -> "RunRecord | None":
        """Return the newest result of a scoring of a run; None if there is none."""
        records = [record for record in self.records if is_result(record, run, scoring.config)]
        return max(records, key=lambda record: record.environment.date_utc, default=None)

    def companions(self, run: Run, scoring: Scoring) -> list["RunRecord"]:
        """Return the other results of the same evaluation: the one at block 1."""
        if "text_block" not in scoring.config:
            return []
        at_block_1 = Scoring(scoring.rows, {}, {**scoring.config, "text_block": 1})
        record = self.record(run, at_block_1)
        return [] if scoring.settings or record is None else [record]

    def missing(self, run: Run) -> tuple[Scoring, ...]:
        """Return the scorings of a run that are not evaluated yet."""
        return tuple(scoring for scoring in run.scorings if self.record(run, scoring) is None)

    def is_done(self, run: Run) -> bool:
        """Tell whether a run is complete; if it is evaluated, its training is not checked."""
        return not self.missing(run) if run.scorings else self.is_trained(run)

    def take(self, run: Run, made: "Made") -> None:
        """Write a result of a run, with its top lists and contact sheet, and its time."""
        if isinstance(made, Evaluated):
            # The result file comes last: if it exists, so do the others.
            with written_together():
                write_top_lists(made.top, result_path(made.record, self.results))
                if made.sheet is not None:
                    sheet = result_path(made.record, self.results).with_suffix(".png")
                    with written_beside(sheet) as beside:
                        beside.write_bytes(made.sheet)
                write_result(made.record, self.results)
            self.records.append(made.record)
        path = self.folder(run) / SECONDS_FILE
        write_json(path, {**self.seconds(run), made.timed_as: made.seconds})

    def seconds(self, run: Run) -> dict[str, float]:
        """Return the seconds of an ``epoch`` and an ``evaluation`` of a run, as far as known."""
        path = self.folder(run) / SECONDS_FILE
        return read_json(path) if path.is_file() else {}

    def known_backbone(self, name: str) -> Backbone | None:
        """Return a backbone by name if runs or results state the hash of its weights."""
        stated = [(record.model.backbone, record.model.backbone_sha256) for record in self.records]
        for path in self.runs.glob(f"*/*/*/{RUN_FILE}"):
            backbone = read_json(path).get("setup", {}).get("model", {}).get("backbone", {})
            stated.append((backbone.get("source"), backbone.get("weights_sha256")))
        for source, sha256 in stated:
            if source == name and sha256 is not None:
                return Backbone.of(name, source, sha256)
        return None


def trains(setup: Mapping[str, Any], run: Run) -> bool:
    """Tell whether a run folder's setup is that of a run, ignoring the path of its backbone."""
    if run.recipe is None:
        return False
    try:
        setup = comparable(setup)
        model, dataset = setup["model"], setup["dataset"]
        stated = model.get("backbone") or {}
        backbone = Backbone.of("", stated.get("source"), stated.get("weights_sha256"))
        return (
            model["model"] == run.model
            and dataset["name"] == run.dataset.name
            and dataset["fingerprint"] == run.dataset.fingerprint
            and backbone.identity == run.backbone.identity
            and setup["recipe"] == _as_json(run.recipe.as_mapping())
            and _config_of(run.model, model["config"]) == run.config
        )
    except (KeyError, TypeError):
        return False


def is_result(record: "RunRecord", run: Run, config: Mapping[str, Any]) -> bool:
    """Tell whether a result is that of a run with a configuration.

    Args:
        record: A result.
        run: The run.
        config: The whole configuration except the backbone.

    Returns:
        Whether model, backbone, dataset, split, recipe and configuration are the same.
    """
    facts, training = record.model, record.model.training
    return (
        facts.name == run.model
        and record.kind == "model"
        and record.protocol_version == PROTOCOL_VERSION
        and record.scoring.post_processing == "none"
        and record.dataset.name == run.dataset.name
        and record.dataset.fingerprint == run.dataset.fingerprint
        and record.dataset.split == run.split
        and Backbone.of("", facts.backbone, facts.backbone_sha256).identity == run.backbone.identity
        and (None if training is None else comparable({"recipe": training.recipe})["recipe"])
        == (None if run.recipe is None else _as_json(run.recipe.as_mapping()))
        and (training is None or training.fingerprint == run.dataset.fingerprint)
        and _config_of(run.model, facts.config) == config
    )


def _config_of(model: str, stated: Mapping[str, Any]) -> dict[str, Any] | None:
    return _cached_config(model, json.dumps(stated, sort_keys=True))


@cache
def _cached_config(model: str, stated: str) -> dict[str, Any] | None:
    """Read a configuration; None if this version does not accept it."""
    try:
        return stated_config_of(model, json.loads(stated))
    except (ConfigError, NotFoundError, TypeError):
        return None


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(value))
    return read
