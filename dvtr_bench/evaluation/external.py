"""Evaluation of given scores or embeddings, in the same way as models.

Given scores cannot be computed again in other blocks, so their records have kind ``external`` and
no honesty checks. Scores of embeddings depend only on their own pair by construction.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.dataset.split import matching_rows, require_whole_split
from dvtr_bench.errors import ConfigError, NotANumberError
from dvtr_bench.evaluation.evaluate import Evaluation, EvaluationConfig
from dvtr_bench.evaluation.facts import dataset_facts, split_groups
from dvtr_bench.evaluation.post_process import PostProcess, RawScores, require_feasible
from dvtr_bench.evaluation.ranking import each_way, rank
from dvtr_bench.evaluation.top_candidates import top_lists
from dvtr_bench.ranking.blocks import Block, Grid, cut
from dvtr_bench.ranking.ceilings import shared_text
from dvtr_bench.ranking.relevance import Relevance
from dvtr_bench.results.build import make_record
from dvtr_bench.results.record import ModelFacts, ScoringFacts, Seconds
from dvtr_bench.runtime.environment import environment_facts
from dvtr_bench.runtime.processes import ALONE, Processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.external_file import ExternalFile

Floats = NDArray[np.floating[Any]]

_ROWS_AT_ONCE: Final = 4096


def evaluate_external(
    brought: "ExternalFile",
    split: "RetrievalSplit",
    *,
    model_name: str,
    v2t: "ExternalFile | None" = None,
    about: "Mapping[str, Any] | None" = None,
    text_block: int | None = None,
    post_processing: str = "none",
    post_process: "Sequence[PostProcess]" = (),
    seed: int | None = None,
    config: EvaluationConfig | None = None,
    device: str = "cpu",
    processes: Processes = ALONE,
    show_progress: bool = True,
) -> Evaluation:
    """Rank given scores or embeddings by the recall protocol.

    Args:
        brought: The scores or embeddings, ids in any order.
        split: Their split; frames are not needed.
        model_name: Name of the model in results.
        v2t: Other scores for both directions from videos, of a model that scores pairs differently
            there; None if ``brought`` is for all directions.
        about: What the record says of the scores; None for their form.
        text_block: Number of texts scored together; None if each score depends only on its pair.
        post_processing: Post-processing already applied to the sim_matrix, such as
            ``dual_softmax``; results with different post-processing are in different tables.
        post_process: Post-processors to apply; each gives an additional record.
        seed: Seed with which the model was trained, if known; seeds of one model share a row.
        config: Blocks, candidates to keep and intervals; None for the defaults.
        device: Device for scoring and counting.
        processes: The processes that share the work; ranks do not depend on their number.
        show_progress: Whether to show a progress bar.

    Returns:
        Records of kind ``external``: one of the given scores, then one for each post-processor.

    Raises:
        ConfigError: A name is empty, or an option does not apply.
        ProtocolError: The ids are not those of the split.
        NotANumberError: A score or embedding is NaN.

    Example:
        >>> brought = read_external(Path("scores.npz"), "sim_matrix")  # doctest: +SKIP
        >>> evaluate_external(brought, split, model_name="xpool")  # doctest: +SKIP
    """
    config = config or EvaluationConfig()
    _require_names(model_name, post_processing)
    _require_text_block(brought, text_block)
    _require_post_processing(post_processing, post_process, v2t)
    require_whole_split(split)
    relevance = Relevance.of(split.captions, split.caption_video_index, len(split.video_ids))
    scoring = _scoring_facts(text_block, relevance, post_processing, each_way=v2t is not None)
    show_progress = show_progress and processes.is_first
    sources = [
        _Source(scores, split, model_name, config, torch.device(device))
        for scores in (brought, v2t)
        if scores is not None
    ]
    rankings = [
        rank(
            source,
            split,
            relevance,
            top_k=config.top_k,
            processes=processes,
            show_progress=show_progress,
        )
        for source in sources
    ]
    source = sources[0]
    ranking = rankings[0] if v2t is None else each_way(*rankings)
    raw = RawScores(source, ranking, None, processes, show_progress)
    done = (one.apply(raw, scoring, split, relevance, config.top_k) for one in post_process)
    finished = [(scoring, ranking), *done]
    groups = split_groups(split, processes=processes, show_progress=show_progress)
    records = tuple(
        make_record(
            found.table,
            kind="external",
            dataset=dataset_facts(split, relevance, frames_per_video=None),
            model=_model_facts(model_name, brought, about, seed),
            scoring=how,
            environment=environment_facts(found.device, found.dtype),
            honesty=(),
            seconds=Seconds(None, None, found.seconds),
            shared_text=shared_text(split.captions, relevance.caption_video_index),
            groups=groups,
            bootstrap=config.bootstrap,
        )
        for how, found in finished
    )
    return Evaluation(records, tuple(top_lists(found.best, split) for _, found in finished))


def _scoring_facts(
    text_block: int | None, relevance: Relevance, post_processing: str, *, each_way: bool
) -> ScoringFacts:
    # A block larger than the query set is the query set.
    block = None if text_block is None else min(text_block, relevance.num_captions)
    return ScoringFacts(
        "pairwise" if block is None else "query_block",
        block,
        post_processing=post_processing,
        each_way=each_way or None,
    )


def _model_facts(
    name: str, brought: "ExternalFile", about: "Mapping[str, Any] | None", seed: int | None
) -> ModelFacts:
    return ModelFacts(
        name=name,
        config={"source": brought.form} if about is None else dict(about),
        num_parameters=None,
        checkpoint_sha256=brought.sha256,
        backbone=None,
        backbone_sha256=None,
        seeds=() if seed is None else (seed,),
    )


class _Source:
    """Blocks of the given scores, in the order of the split."""

    def __init__(
        self,
        brought: "ExternalFile",
        split: "RetrievalSplit",
        name: str,
        config: EvaluationConfig,
        device: torch.device,
    ) -> None:
        self.name = name
        self.grid = Grid(
            len(split.caption_ids),
            len(split.video_ids),
            config.block_captions,
            config.block_videos,
        )
        self._arrays = brought.arrays
        self._captions = _Order(matching_rows(split, "caption", brought.caption_ids))
        self._videos = _Order(matching_rows(split, "video", brought.video_ids))
        self._device = device
        if brought.form == "embeddings":
            for kind, ids in (("text", brought.caption_ids), ("video", brought.video_ids)):
                _require_finite(f"{name}: {kind}_embeds", brought.arrays[f"{kind}_embeds"], ids)

    def score(self, block: Block) -> torch.Tensor:
        """Return the scores of a block: float, captions x videos."""
        rows, columns = self._captions.places(block.captions), self._videos.places(block.videos)
        if (sim_matrix := self._arrays.get("sim_matrix")) is None:
            texts = self._tensor(self._arrays["text_embeds"][rows].astype(np.float32))
            videos = self._tensor(self._arrays["video_embeds"][columns].astype(np.float32))
            return texts @ videos.T
        if isinstance(rows, slice) or isinstance(columns, slice):
            return self._tensor(sim_matrix[rows, columns])
        return self._tensor(sim_matrix[np.ix_(rows, columns)])

    def _tensor(self, part: Floats) -> torch.Tensor:
        # A copy in native byte order, since a memory-mapped array may be unaligned and cannot be
        # shared with torch.
        native = np.array(part, dtype=part.dtype.newbyteorder("="), order="C")
        return torch.from_numpy(native).to(self._device)


class _Order:
    """The positions of a split's rows among the given ones."""

    def __init__(self, places: NDArray[np.int64]) -> None:
        self._places = places
        self._as_they_stand = bool((places == np.arange(len(places))).all())

    def places(self, run: slice) -> slice | NDArray[np.int64]:
        """Return the positions of a run of rows; if the order is the split's, as a faster slice."""
        return run if self._as_they_stand else self._places[run]


def _require_names(model_name: str, post_processing: str) -> None:
    for what, name in (("model's name", model_name), ("post-processing", post_processing)):
        if not name.strip():
            raise ConfigError(f"the {what} is empty: results are told apart by it, give it a name")


def _require_post_processing(
    declared: str, wanted: "Sequence[PostProcess]", v2t: "ExternalFile | None"
) -> None:
    require_feasible(wanted)
    if wanted and v2t is not None:
        raise ConfigError(
            f"{wanted[0].name} takes one sim_matrix, and each direction has its own here: bring "
            "the scores of one direction alone"
        )
    if wanted and declared != "none":
        raise ConfigError(
            f"the scores are post-processed already ({declared}), and {wanted[0].name} is asked "
            "for on top: bring the scores as the model gives them, or leave one of the two out"
        )


def _require_text_block(brought: "ExternalFile", text_block: int | None) -> None:
    if text_block is None:
        return
    if brought.form == "embeddings":
        raise ConfigError(
            f"{brought.path}: a score of two vectors depends on its own pair alone, so there is no "
            "text block: leave it out, or bring the sim_matrix"
        )
    if text_block < 1:
        raise ConfigError(f"the text block must be at least 1, found {text_block}")


def _require_finite(what: str, embeds: Floats, ids: "Sequence[str]") -> None:
    """Refuse vectors that would give NaN scores, naming the first."""
    bad: list[int] = []
    for run in cut(len(embeds), _ROWS_AT_ONCE):
        with np.errstate(over="ignore"):
            vectors = embeds[run].astype(np.float32)
        bad += (run.start + np.flatnonzero(~np.isfinite(vectors).all(axis=1))).tolist()
    if bad:
        raise NotANumberError(
            f"{what} of {len(bad)} ids hold NaN or numbers beyond float32, the first of "
            f"{ids[bad[0]]!r}: no query is ranked. Look for a zero vector that is normalised, or "
            "an overflow in half precision"
        )
