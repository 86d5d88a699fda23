"""Evaluation results as the Hugging Face Hub shows them: ``.eval_results/*.yaml`` of a model repo.

An entry is one number of one task of one benchmark dataset. The dataset is ``dvtr/NAME``, as
`datasets.load_dataset` has it. A task is one figure of one direction: ``test_t2v_r1``,
``test_v2t_mdr``, ``test_both_rsum``; with post-processing its name is added
(``test_t2v_r1_dual_softmax``), since such results must not share a table with others. Figures are
those of strict relevance; R@k is in percent. What the format has no field for is in ``notes``:
interval, protocol, build of the dataset, block, seeds.

The Hub lists a task once the dataset's own ``eval.yaml`` names it.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]

from dvtr_bench.ranking.figures import Figure
from dvtr_bench.reports.others_text import printable_lines
from dvtr_bench.results import RunRecord
from dvtr_bench.runtime.files import written_beside
from leaderboard.exported import Exported, named
from leaderboard.result_files import ResultFile

OWNER: Final = "dvtr"
"""Owner of the datasets."""


def export(results: Sequence[ResultFile], folder: Path) -> Exported:
    """Write one file for every result.

    Args:
        results: Result files.
        folder: A model repository, or any folder; the files go into its ``.eval_results``.

    Returns:
        The files.
    """
    output_folder = folder / ".eval_results"
    output_folder.mkdir(exist_ok=True)
    files = []
    for name, result in named(results):
        path = output_folder / f"{name}.yaml"
        entries = eval_result_entries_to_yaml(list(_entries(result.record)))
        with written_beside(path) as beside:
            text = printable_lines(yaml_dump(entries))
            beside.write_text(text, encoding="utf-8", newline="\n")
        files.append(path)
    models = sorted({result.record.model.name for result in results})
    notes = (
        f"{len(models)} models ({', '.join(models)}): put each file into the repository of its own "
        "model.",
    )
    return Exported(tuple(files), notes if len(models) > 1 else ())


def _entries(record: RunRecord) -> Iterator[EvalResultEntry]:
    for direction, kinds in record.metrics.items():
        for name, figure in kinds["strict"].items():
            yield EvalResultEntry(
                dataset_id=f"{OWNER}/{record.dataset.name}",
                task_id=task_id(record, direction, name),
                value=figure.value,
                date=record.environment.date_utc,
                notes=_notes(record, figure),
            )


def task_id(record: RunRecord, direction: str, figure: str) -> str:
    """Name the task of one figure.

    Args:
        record: A run.
        direction: ``t2v``, ``v2t``, ``v2t_caption`` or ``both``.
        figure: Such as ``R@1``.

    Returns:
        Lower-case letters, digits and ``_``.
    """
    parts = [record.dataset.split, direction, figure.replace("@", "")]
    if record.scoring.post_processing != "none":
        parts.append(record.scoring.post_processing)
    return re.sub(r"[^a-z0-9]+", "_", "_".join(parts).lower())


def _notes(record: RunRecord, figure: Figure) -> str:
    dataset, level = record.dataset, record.bootstrap.level
    parts = [
        f"{level:.0%} interval {figure.low:.4g} to {figure.high:.4g}",
        f"dvtr-bench recall protocol {record.protocol_version}, strict relevance",
        f"{dataset.name} {dataset.version}, build {dataset.fingerprint[:16]}",
        f"{dataset.num_captions} captions, {dataset.num_videos} videos",
    ]
    if record.scoring.text_block is not None:
        parts.append(f"captions scored in blocks of {record.scoring.text_block}")
    if record.model.seeds:
        parts.append(f"seeds {', '.join(map(str, record.model.seeds))}")
    if record.kind == "external":
        parts.append("scores brought from outside")
    return "; ".join(parts)
