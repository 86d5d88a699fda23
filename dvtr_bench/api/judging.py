"""Judged relevance from Python: pools to judge, and judgements."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.results import (
    RESULTS,
    JudgementsLike,
    ResultLike,
    as_judgements,
    as_list,
    files_of,
)
from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking import Direction
    from dvtr_bench.reports.kept_clips import KeptSplit
    from leaderboard.judging.judgements import Judgements
    from leaderboard.judging.page import Pictures
    from leaderboard.judging.pool import Pool
    from leaderboard.result_files import ResultFile


def make_pool(
    results: "ResultLike | Iterable[ResultLike]" = RESULTS,
    out: str | Path | None = "pool",
    *,
    depth: int = 10,
    directions: "tuple[Direction, ...]" = ("t2v",),
    queries: int | None = None,
    batch_pairs: int = 100,
    seed: int = 0,
    judged: "JudgementsLike | None" = None,
    pictures: "Pictures" = "licensed",
    root: str | Path = ROOT,
    show_progress: bool = False,
) -> "Pool":
    """Make a pool of pairs to judge: what the top lists of several runs propose, together.

    Nobody is asked about a caption's own clip or about clips that have its text. The order is drawn
    by the seed: it tells neither ranks nor which run proposed a pair.

    Args:
        results: Result files with their top lists, folders of them, or results of `evaluate`, all
            on one split.
        out: The folder to write: each batch as a page that opens in a browser and as a CSV file;
            None writes nothing.
        depth: Candidates that are taken of each list.
        directions: ``t2v``, ``v2t_caption`` or both.
        queries: Number of queries of each direction, drawn at random; None for all.
        batch_pairs: Most pairs of a batch, unless a single query has more.
        seed: Of the order and the draw.
        judged: Earlier judgements of the split, whose pairs are not asked again.
        pictures: Whether the pages hold frames: ``licensed`` where the dataset's licence lets them
            be shown, ``all`` for pages that stay with you, ``none``.
        root: Folder in which the dataset's name is looked up; without the dataset, what
            ``evaluate(browse=...)`` kept is shown.
        show_progress: Whether to show a progress bar.

    Returns:
        The pool.

    Raises:
        NotFoundError: A result file, its top lists or the captions are not at hand.
        InputError: There are no results, or their lists are shorter than the depth.
        ConfigError: A number is not positive, or no such direction can be pooled.
        IncomparableError: The results, or the judgements, are of different splits.
        OutputExistsError: Something stands in the folder already.

    Example:
        >>> import dvtr_bench as dvtr
        >>> result = dvtr.evaluate("clip_zeroshot", "toy", backbone="tiny", device="cpu",
        ...                        show_progress=False)
        >>> pool = dvtr.make_pool(result, "pool", depth=3)
        >>> pool.num_batches
        1
    """
    from leaderboard.judging.pool import PoolOptions, pool_of
    from leaderboard.judging.pool_folder import require_new, write_pool

    options = PoolOptions(depth, tuple(directions), queries, batch_pairs, seed)
    if pictures not in ("licensed", "all", "none"):
        raise InputError(f"pictures: expected licensed, all or none, found {pictures!r}")
    if out is not None:
        require_new(Path(out))
    earlier = None if judged is None else as_judgements(judged)
    items = as_list(results)
    files = [file for result in items for file in files_of(result)]
    opened = [getattr(item, "split", None) for item in items if not isinstance(item, str)]
    split = next((found for found in opened if found is not None), None)
    split = split or _searched(files, Path(root))
    pool = pool_of(files, split, options, earlier)
    if out is not None:
        write_pool(pool, Path(out), split, pictures, show_progress=show_progress)
    return pool


def collect_judgements(
    pool: "str | Path | Pool",
    answers: Iterable[str | Path],
    out: str | Path | None = None,
    *,
    unsettled: str | Path | None = None,
) -> "Judgements":
    """Join the answers to a pool into judged relevance.

    A pair has the grade that most of its judges give; where they are divided it stays unjudged. The
    files of one judge are joined, so a pool may be judged in several sittings.

    Args:
        pool: The folder of a pool, or what `make_pool` returned.
        answers: Files that the pages saved, or CSV files that were filled in, as ``NAME=FILE``.
        out: The JSON file to write, with TREC qrels beside it; None writes nothing.
        unsettled: A CSV file to write with the pairs whose judges are divided, for another judge.

    Returns:
        The judgements, with the agreement of the judges.

    Raises:
        NotFoundError: There is no such pool or file.
        InputError: A file is damaged or of another pool, or a judge contradicts herself.

    Example:
        >>> import dvtr_bench as dvtr
        >>> judgements = dvtr.collect_judgements(  # doctest: +SKIP
        ...     "pool", ["answers-1f0c-001-anna.json", "ben=batch-001.csv"], "judged.json"
        ... )
        >>> judgements.agreement[0].kappa  # doctest: +SKIP
        0.71
    """
    from dvtr_bench.runtime.files import written_together
    from leaderboard.judging.collect import judgements_of
    from leaderboard.judging.pool_folder import read_pool, write_batch_csv

    opened = read_pool(Path(pool)) if isinstance(pool, str | Path) else pool
    judgements, open_pairs = judgements_of(opened, answers)
    with written_together():
        if out is not None:
            judgements.write(out)
        if unsettled is not None:
            write_batch_csv(open_pairs, Path(unsettled))
    return judgements


def judge_by_facts(
    dataset: DatasetLike,
    split: str = "test",
    out: str | Path | None = None,
    *,
    root: str | Path = ROOT,
) -> "Judgements":
    """Judge every pair of a split by what the dataset knows of its clips (aerosynth).

    A clip fits a caption when it is of the caption's category and all that the caption mentions is
    true of it.

    Args:
        dataset: A name, a folder, or an open dataset.
        split: The split.
        out: The JSON file to write, with TREC qrels beside it; None writes nothing.
        root: Folder in which names are looked up.

    Returns:
        Complete judgements.

    Raises:
        NotFoundError: There is no such dataset or split.
        InputError: The dataset does not know its facts.

    Example:
        >>> import dvtr_bench as dvtr
        >>> dvtr.judge_by_facts("aerosynth-small").complete  # doctest: +SKIP
        True
    """
    from leaderboard.judging.ground_truth import judge_by_facts as judge

    judgements = judge(as_dataset(dataset, root)[split])
    if out is not None:
        judgements.write(out)
    return judgements


def _searched(files: "list[ResultFile]", root: Path) -> "RetrievalSplit | KeptSplit":
    """Return the split that runs searched, or what was kept of it beside one of them."""
    from leaderboard.result_files import searched_split

    if not files:
        raise InputError("a pool needs at least one result file, found none")
    try:
        return searched_split(files[0].record, root)
    except NotFoundError as failure:
        kept = next((found for file in files if (found := file.kept_split()) is not None), None)
        if kept is None:
            raise NotFoundError(
                f"no captions to judge: {failure}; and `evaluate --browse` kept none beside the "
                "results"
            ) from None
        return kept
