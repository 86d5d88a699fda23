"""Evaluation of scores or vectors that somebody brings, from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.api.evaluation_options import (
    EvaluationOptions,
    PostProcessLike,
    WrittenFiles,
    as_post_process,
    open_split,
)
from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.evaluation.external_file import Form
from dvtr_bench.reports.shown_queries import DEFAULT, Queries
from dvtr_bench.runtime.processes import choose_device, joined_processes

if TYPE_CHECKING:
    from dvtr_bench.api.datasets import DatasetLike
    from dvtr_bench.dataset.split import RetrievalSplit


def evaluate_external(
    file: str | Path,
    dataset: "DatasetLike | RetrievalSplit",
    *,
    model_name: str,
    form: Form = "sim_matrix",
    split: str = "test",
    text_block: int | None = None,
    post_processing: str = "none",
    seed: int | None = None,
    post_process: Sequence[PostProcessLike] = (),
    top: int = EvaluationConfig.top_k,
    results: str | Path | None = None,
    queries: Queries = DEFAULT,
    browse: int = 0,
    root: str | Path = ROOT,
    device: str = "auto",
    show_progress: bool = True,
) -> EvaluationResult:
    """Evaluate external scores or vectors, without running the model.

    Ids assign rows to captions and columns to videos, so the order does not matter and a missing id
    is an error. The record says ``external``.

    Args:
        file: An ``.npz`` file with ``caption_ids`` and ``video_ids``, and either ``sim_matrix``
            (captions x videos) or ``text_embeds`` and ``video_embeds``.
        dataset: The scored dataset: a name, a folder, an open dataset or a split. Frames are not
            needed.
        model_name: What the model is called in tables.
        form: ``sim_matrix``, or ``embeddings``, whose score is the inner product.
        split: Which split was scored.
        text_block: Captions that were scored together; None for scores that depend only on their
            own pair.
        post_processing: What was done to the whole sim_matrix, such as ``dual_softmax``: such
            results get a separate table.
        seed: Training seed of the model, if known.
        post_process: Post-processing of the scores here; each gives a separate record.
        top: Candidates to keep of each query.
        results: Folder for result files; None writes nothing.
        queries: Which queries the contact sheet shows, as `draw_queries` takes them.
        browse: As for `evaluate`.
        root: Folder in which a dataset's name is looked up.
        device: Device for scoring and counting.
        show_progress: Whether to show progress bars.

    Returns:
        Records of kind ``external``, the worst queries, contact sheets.

    Raises:
        NotFoundError: No such file or dataset.
        InputError: The file is not of that form.
        ProtocolError: The ids are not those of the split.
        NotANumberError: A score is NaN.

    Example:
        >>> import numpy as np
        >>> import dvtr_bench as dvtr
        >>> split = dvtr.open_dataset("toy")["test"]
        >>> scores = np.random.default_rng(0).random((len(split.captions), len(split)))
        >>> np.savez("scores.npz", sim_matrix=scores, caption_ids=split.caption_ids,
        ...          video_ids=split.video_ids)
        >>> result = dvtr.evaluate_external("scores.npz", split, model_name="mine", device="cpu",
        ...                                 show_progress=False)
        >>> result.record.kind, result.record.label
        ('external', 'mine')
    """
    from dvtr_bench.evaluation.external import evaluate_external as evaluate_file
    from dvtr_bench.evaluation.external_file import read_external, require_external

    require_external(Path(file), form)
    written = WrittenFiles(results, queries, browse)
    processors = list(map(as_post_process, post_process))
    device = choose_device(device)
    with joined_processes() as processes:
        options = EvaluationOptions(
            device, processors, top, written, False, show_progress, None, processes
        )
        opened, _ = open_split(dataset, split, root)
        written.require_queries(opened)
        evaluation = evaluate_file(
            read_external(Path(file), form),
            opened,
            model_name=model_name,
            text_block=text_block,
            post_processing=post_processing,
            seed=seed,
            device=device,
            **options.as_arguments(),
        )
        return options.finished(evaluation, opened)
