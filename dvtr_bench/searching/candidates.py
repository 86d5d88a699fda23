"""The best candidates of one query: proposed by a vector index, ranked by the model's score."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import NotANumberError, ProtocolError
from dvtr_bench.evaluation.ranking import Scorer
from dvtr_bench.features.encode import select_rows
from dvtr_bench.models.retriever import BlockRetriever, VectorRetriever, features_in
from dvtr_bench.ranking.blocks import cut

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Features, Retriever


def load_faiss() -> Any:
    """Import FAISS.

    Returns:
        The module ``faiss``.
    """
    with warnings.catch_warnings():
        # These come from the binding generator; users can do nothing about them.
        warnings.filterwarnings("ignore", message="builtin type [Ss]wig", category=Warning)
        import faiss
    return faiss


RERANK: Final = 200
"""Candidates that the model scores if its vectors alone do not rank."""

Wanted = Literal["videos", "texts"]

_BLOCK: Final = 512
_SAMPLE: Final = 64
_TOLERANCE: Final = 1e-4


@dataclass(frozen=True)
class Candidate:
    """One candidate.

    Attributes:
        row: Row in the gallery.
        score: The model's score.
    """

    row: int
    score: float


def best_candidates(
    model: "Retriever",
    query: "Features",
    gallery: "Features",
    wanted: Wanted,
    *,
    top: int,
    rerank: int = RERANK,
) -> tuple[Candidate, ...]:
    """Find the best candidates of one query.

    A model with vectors proposes candidates through an index, and its score ranks them: ``top``
    candidates if its score is the inner product of the vectors, ``rerank`` if the vectors are
    coarse. A model without vectors scores the whole gallery. A ``query_block`` model scores each
    text alone.

    Args:
        model: The model.
        query: Features of one text, or of one video.
        gallery: Features of the candidates.
        wanted: What the candidates are: ``videos`` for a text, ``texts`` for a video.
        top: Number of candidates to return.
        rerank: Number of candidates to score, at least ``top``.

    Returns:
        Candidates, best first (equal scores by row); fewer if the gallery is smaller.

    Raises:
        ProtocolError: The model claims that its score is an inner product, but it is not.
        NotANumberError: A score is NaN.
        InputError: The model returned something other than scores.

    Example:
        >>> best_candidates(model, model.encode_texts(["a boat"]), videos, "videos", top=5)
        ... # doctest: +SKIP
    """
    model = scoring_alone(model)
    direction = "t2v" if wanted == "videos" else "v2t"
    query, gallery = (features_in(model, one, direction) for one in (query, gallery))
    rows: NDArray[np.int64] = np.arange(len(next(iter(gallery.values()))))
    if isinstance(model, VectorRetriever):
        vectors = _vectors(model, gallery, wanted)
        query_vector = _vectors(model, query, _other(wanted))[0]
        if model.scores_by_vectors:
            sample = rows[:: max(1, len(rows) // _SAMPLE)]
            products = vectors[torch.from_numpy(sample)] @ query_vector
            _require_inner_products(model, products, _scores(model, query, gallery, wanted, sample))
        count = top if model.scores_by_vectors else max(top, rerank)
        rows = np.sort(VectorIndex(vectors).nearest(query_vector, count))
    scores = _scores(model, query, gallery, wanted, rows)
    order = np.lexsort((rows, -scores))[:top]
    return tuple(Candidate(int(rows[index]), float(scores[index])) for index in order)


def scoring_alone(model: "Retriever") -> "Retriever":
    """Return the model set to score each text alone."""
    if model.scoring == "query_block" and isinstance(model, BlockRetriever):
        return model.at_block(1)
    return model


def _other(wanted: Wanted) -> Wanted:
    return "texts" if wanted == "videos" else "videos"


def _vectors(model: VectorRetriever, features: "Features", side: Wanted) -> torch.Tensor:
    with torch.no_grad():
        if side == "texts":
            return model.text_vectors(features).float()
        return model.video_vectors(features).float()


def _scores(
    model: "Retriever",
    query: "Features",
    gallery: "Features",
    wanted: Wanted,
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the model's scores of rows of the gallery: float64, one per row."""
    parts = []
    for run in cut(len(rows), _BLOCK):
        candidates = select_rows(gallery, torch.from_numpy(rows[run]))
        texts, videos = (query, candidates) if wanted == "videos" else (candidates, query)
        scorer = Scorer(
            model, texts, videos, text_block=1, block_captions=_BLOCK, block_videos=_BLOCK
        )
        parts.append(scorer.score_features(texts, videos).flatten().cpu().double().numpy())
    scores: NDArray[np.float64] = np.concatenate(parts) if parts else np.zeros(0)
    if np.isnan(scores).any():
        raise NotANumberError(
            f"{model.name}: {int(np.isnan(scores).sum())} of {len(scores)} scores are NaN, the "
            f"first one of row {rows[np.isnan(scores)][0]}: its weights or features are broken"
        )
    return scores


def _require_inner_products(
    model: "Retriever", products: torch.Tensor, scores: NDArray[np.float64]
) -> None:
    difference = np.abs(products.cpu().double().numpy() - scores).max()
    if not difference <= _TOLERANCE * max(1.0, float(np.abs(scores).max())):
        raise ProtocolError(
            f"{model.name} says that its score is the inner product of its vectors "
            f"(scores_by_vectors), but they differ by {difference:.3g}: set scores_by_vectors to "
            "False to rank the candidates by its score"
        )


class VectorIndex:
    """Finds the vectors with the largest inner product.

    Args:
        vectors: float, N x C, at least one.

    Example:
        >>> import torch
        >>> VectorIndex(torch.eye(3)).nearest(torch.tensor([0.1, 0.9, 0.5]), 2).tolist()
        [1, 2]
    """

    def __init__(self, vectors: "torch.Tensor") -> None:
        """Copy the vectors into the index."""
        array = _as_float32(vectors)
        self._index = load_faiss().IndexFlatIP(array.shape[1])
        self._index.add(array)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return int(self._index.ntotal)

    def nearest(self, query: "torch.Tensor", count: int) -> "NDArray[np.int64]":
        """Return the rows whose inner product with a vector is largest, best first.

        Args:
            query: float, C.
            count: Largest number of rows.

        Returns:
            int64 rows; fewer if there are fewer vectors.
        """
        _, rows = self._index.search(_as_float32(query)[None], min(count, len(self)))
        nearest_rows: NDArray[np.int64] = rows[0]
        return nearest_rows[nearest_rows >= 0]  # FAISS fills up with -1 where products are NaN


def _as_float32(vectors: "torch.Tensor") -> "NDArray[np.float32]":
    return np.ascontiguousarray(vectors.detach().float().cpu().numpy())
