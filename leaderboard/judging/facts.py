"""What pools and judgements state about themselves: records of their JSON files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from dvtr_bench.errors import IncomparableError
from dvtr_bench.ranking import Direction
from dvtr_bench.reading.json_records import Count, Percent, Positive, Sha256, Text
from dvtr_bench.results.record import RunRecord

FITS: Final = 2
PARTLY: Final = 1
UNFIT: Final = 0

Answer: TypeAlias = Literal["yes", "partly", "no", "skip"]

GRADES: Final[Mapping[str, int | None]] = {"yes": FITS, "partly": PARTLY, "no": UNFIT, "skip": None}
"""The grade of each answer; a skipped pair stays unjudged."""

Grade: TypeAlias = Annotated[int, Field(ge=UNFIT, le=FITS)]

Queries: TypeAlias = Mapping[Direction, tuple[Text, ...] | None]
"""By direction: the queries whose candidates are judged; None for all of them."""


@dataclass(frozen=True)
class JudgedSplit:
    """The split whose pairs are judged.

    Attributes:
        name: Of the dataset.
        version: Of the dataset.
        fingerprint: Of the dataset.
        split: ``train``, ``validation`` or ``test``.
        num_videos: Gallery of t2v.
        num_captions: Queries of t2v.
        gallery_sha256: Of the video ids in row order.
        queries_sha256: Of the caption ids in row order.
    """

    name: Text
    version: Text
    fingerprint: Text
    split: Text
    num_videos: Positive
    num_captions: Positive
    gallery_sha256: Sha256
    queries_sha256: Sha256

    @classmethod
    def of(cls, record: RunRecord) -> "JudgedSplit":
        """Return the split that a run searched."""
        searched = record.dataset
        return cls(
            searched.name,
            searched.version,
            searched.fingerprint,
            searched.split,
            searched.num_videos,
            searched.num_captions,
            searched.gallery_sha256,
            searched.queries_sha256,
        )

    @property
    def title(self) -> str:
        """Dataset, version and split, for messages."""
        return f"{self.name} {self.version}, {self.split}"

    def require_same(self, other: "JudgedSplit", what: str) -> None:
        """Raise if something else was searched.

        Args:
            other: What was searched there.
            what: What it belongs to, for the message.

        Raises:
            IncomparableError: It was another dataset, build or split.
        """
        if self != other:
            raise IncomparableError(
                f"{what} is of {other.title} (fingerprint {other.fingerprint[:12]}), not of "
                f"{self.title} (fingerprint {self.fingerprint[:12]}): pairs are judged for one "
                "build and split"
            )


@dataclass(frozen=True)
class PooledRun:
    """A run whose top lists went into a pool.

    Attributes:
        label: Its model.
        file: Name of its result file, without its ending.
        seeds: Of its training.
    """

    label: Text
    file: Text
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class PoolFacts:
    """What a pool was made from.

    Attributes:
        format_version: Version of the pool's files.
        fingerprint: Hash of its pairs and their order.
        dataset: The split.
        depth: Candidates that were taken of each list.
        queries: By direction.
        seed: Of the order and of the choice of queries.
        batch_pairs: Most pairs of a batch, unless a single query has more.
        runs: Whose lists were taken.
        earlier: Hash of the judgements whose pairs are not asked again; None without any.
    """

    format_version: Positive
    fingerprint: Sha256
    dataset: JudgedSplit
    depth: Positive
    queries: Queries
    seed: Count
    batch_pairs: Positive
    runs: tuple[PooledRun, ...]
    earlier: Sha256 | None


@dataclass(frozen=True)
class JudgeFacts:
    """What one judge answered.

    Attributes:
        name: Of the judge.
        yes: Pairs that fit.
        partly: Pairs that fit in part.
        no: Pairs that do not fit.
        skip: Pairs left open.
    """

    name: Text
    yes: Count
    partly: Count
    no: Count
    skip: Count


@dataclass(frozen=True)
class Agreement:
    """How far two judges agree.

    Attributes:
        first: Name of one.
        second: Name of the other.
        pairs: Pairs that both judged.
        agreed: Percent of these with the same answer; None without such pairs.
        kappa: Cohen's kappa over yes, partly and no; None where chance alone makes them agree.
    """

    first: Text
    second: Text
    pairs: Count
    agreed: Percent | None
    kappa: Annotated[float, Field(ge=-1, le=1)] | None
