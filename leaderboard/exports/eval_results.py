"""Evaluation results as the Hugging Face Hub shows them: ``.eval_results/*.yaml`` of a model repo.

An entry is one number of one task of one benchmark dataset: the repository that
`dvtr-bench push --repo` made. A task is one figure of one direction: ``test_t2v_r1``,
``test_v2t_mdr``, ``test_both_rsum``; with post-processing its name is added
(``test_t2v_r1_dual_softmax``), since such results must not share a table with others. Figures are
those of strict relevance; R@k is in percent. What the format has no field for is in ``notes``:
interval, protocol, build of the dataset, block, seeds.

The Hub lists a task once the dataset's own ``eval.yaml`` names it, which `dvtr-bench push` writes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml
from huggingface_hub import (
    EvalResultEntry,
    eval_result_entries_to_yaml,
    parse_eval_result_entries,
)
from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]

from dvtr_bench.errors import InputError, ResultError
from dvtr_bench.ranking.figures import Figure
from dvtr_bench.results import RunRecord
from dvtr_bench.results.hub_tasks import task_name
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable
from leaderboard.exported import Exported, named
from leaderboard.result_files import ResultFile

NEEDS_REPO: Final = True
"""The entries name the dataset's repository, so the command line asks for it."""


def export(results: Sequence[ResultFile], folder: Path, repo: str | None = None) -> Exported:
    """Write one file for every result.

    Args:
        results: Result files.
        folder: A model repository, or any folder; the files go into its ``.eval_results``.
        repo: ``ORG/NAME`` of the dataset on the Hub, with results of one dataset; None for
            ``dvtr/NAME``, as `datasets.load_dataset` reads it here.

    Returns:
        The files.

    Raises:
        InputError: ``repo`` is not ORG/NAME, or the results are of several datasets.
        ResultError: What was written does not come back through the Hub's own reader.
    """
    if repo is not None:
        _check_repo(repo, results)
    output_folder = folder / ".eval_results"
    files = []
    for name, result in named(results):
        path = output_folder / f"{name}.yaml"
        entries = list(
            _entries(result.record, repo or printable(f"dvtr/{result.record.dataset.name}"))
        )
        text = yaml_dump(eval_result_entries_to_yaml(entries))
        if parse_eval_result_entries(yaml.safe_load(text)) != entries:
            raise ResultError(f"{path}: the Hub's reader does not give back what was written")
        with written_beside(path) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
        files.append(path)
    models = sorted({result.record.model.name for result in results})
    notes = (
        f"{len(models)} models ({', '.join(models)}): put each file into the repository of its own "
        "model.",
    )
    return Exported(tuple(files), notes if len(models) > 1 else ())


def _check_repo(repo: str, results: Sequence[ResultFile]) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as failure:
        raise InputError(f"--repo {repo!r}: {failure}") from failure
    if repo.count("/") != 1:
        raise InputError(f"--repo {repo!r}: expected ORG/NAME, such as my-lab/umcrd")
    datasets = sorted({result.record.dataset.name for result in results})
    if len(datasets) > 1:
        raise InputError(
            f"--repo {repo}: the results are of {', '.join(datasets)}: export those of each "
            "dataset by themselves"
        )


def _entries(record: RunRecord, dataset_id: str) -> Iterator[EvalResultEntry]:
    dataset, method = record.dataset, record.scoring.post_processing
    for direction, kinds in record.metrics.items():
        for name, figure in kinds["strict"].items():
            yield EvalResultEntry(
                dataset_id=dataset_id,
                task_id=task_name(dataset.split, direction, name, method),
                value=figure.value,
                date=record.environment.date_utc,
                notes=_notes(record, figure),
            )


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
    return printable("; ".join(parts))
