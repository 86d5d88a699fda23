"""What one `dvtr-bench evaluate --sim-matrix` or `--embeddings` does: a file in, a result out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.evaluation.external import evaluate_external
from dvtr_bench.evaluation.external_file import Form, read_external
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.evaluation.run import Written, write_evaluation
from dvtr_bench.runtime.processes import ALONE, Processes


@dataclass(frozen=True)
class Brought:
    """A file that someone brought and what they say of it.

    Attributes:
        path: The file.
        form: What it holds.
        dataset: What was scored, by name or folder; with or without frames.
        model_name: What the model is called in results.
        text_block: Texts scored together; None for scores that depend on their own pair alone.
        post_processing: What was done to the whole sim_matrix.
        seed: That the model was trained with; None when not known.
    """

    path: Path
    form: Form
    dataset: str
    model_name: str
    text_block: int | None = None
    post_processing: str = "none"
    seed: int | None = None


def evaluate_brought(
    brought: Brought,
    split: str,
    results: Path,
    *,
    post_process: Sequence[PostProcess] = (),
    device: str = "cpu",
    top: int = EvaluationConfig.top_k,
    processes: Processes = ALONE,
    show_progress: bool = True,
) -> Written:
    """Evaluate a brought file and write its result file.

    Args:
        brought: The file.
        split: The split that was scored.
        results: Folder for the files.
        post_process: What to do to the scores afterwards, each into a result file of its own.
        device: Where to score and count.
        top: Candidates of each query to keep beside the result file.
        processes: Those that share the work; the first one writes.
        show_progress: Whether to show progress bars.

    Returns:
        What was written; no paths in the other processes.
    """
    opened = open_dataset(brought.dataset).split(split)
    evaluation = evaluate_external(
        read_external(brought.path, brought.form),
        opened,
        model_name=brought.model_name,
        text_block=brought.text_block,
        post_processing=brought.post_processing,
        post_process=post_process,
        seed=brought.seed,
        config=EvaluationConfig(top_k=top),
        device=device,
        processes=processes,
        show_progress=show_progress,
    )
    return write_evaluation(evaluation, opened, results, processes)
