"""Judged relevance of the pairs of one split: a JSON file, and TREC qrels."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from dvtr_bench.dataset.fingerprint import canonical_json, ids_sha256
from dvtr_bench.dataset.trec_ids import encode_id
from dvtr_bench.errors import NotFoundError, ResultError
from dvtr_bench.ranking import DIRECTIONS, Direction
from dvtr_bench.ranking.ceilings import text_ids
from dvtr_bench.reading.json_records import Count, Sha256, Text, from_json, to_json
from dvtr_bench.reading.json_toml_text import read_json_bytes
from dvtr_bench.reports.html_table import html_table
from dvtr_bench.reports.others_text import one_line
from dvtr_bench.results.files import laid_out
from dvtr_bench.runtime.files import written_beside, written_together
from dvtr_bench.runtime.terminal import count_of
from leaderboard.judging.facts import (
    FITS,
    UNFIT,
    Agreement,
    Grade,
    JudgedSplit,
    JudgeFacts,
    PoolFacts,
    Queries,
)

FORMAT_VERSION: Final = 1

_HASHED: Final = ("dataset", "complete", "queries", "own", "same_text", "grades")


@dataclass(frozen=True, eq=False)
class Judgements:
    """Which pairs of caption and clip fit, as people or a generated dataset's facts say.

    A caption's own clip fits it, and so does every clip that has a caption of the same text; nobody
    is asked about these.

    Attributes:
        format_version: Version of the file format.
        sha256: Hash of the judgements, the dates and names of judges left out.
        dataset: The split.
        source: ``judges`` or ``ground truth``.
        date_utc: When they were put together.
        pool: The pool that was judged; None for ground truth.
        judges: What each judge answered.
        agreement: How far each two of them agree.
        unsettled: Pairs without a majority, which stay unjudged.
        complete: Whether every pair that is not listed is known not to fit.
        queries: By direction: the queries whose candidates were judged; None for all.
        own: The clip of each caption.
        same_text: Captions of several clips that have one text, by text.
        grades: By caption and clip: 2 fits, 1 fits in part, 0 does not fit.
    """

    format_version: int
    sha256: Sha256
    dataset: JudgedSplit
    source: Literal["judges", "ground truth"]
    date_utc: Text
    pool: PoolFacts | None
    judges: tuple[JudgeFacts, ...]
    agreement: tuple[Agreement, ...]
    unsettled: Count
    complete: bool
    queries: Queries
    own: Mapping[str, str]
    same_text: tuple[tuple[str, ...], ...]
    grades: Mapping[str, Mapping[str, Grade]]

    @classmethod
    def of(
        cls,
        dataset: JudgedSplit,
        own: Mapping[str, str],
        texts: Sequence[str],
        grades: Mapping[str, Mapping[str, int]],
        *,
        queries: Queries,
        pool: PoolFacts | None = None,
        judges: tuple[JudgeFacts, ...] = (),
        agreement: tuple[Agreement, ...] = (),
        unsettled: int = 0,
    ) -> "Judgements":
        """Put judgements together.

        Args:
            dataset: The split.
            own: The clip of each caption, in row order.
            texts: The captions, in row order.
            grades: By caption and clip.
            queries: By direction.
            pool: The pool; None for ground truth, which says all there is.
            judges: What each judge answered.
            agreement: How far they agree.
            unsettled: Pairs without a majority.

        Returns:
            The judgements, with their hash.
        """
        made = cls(
            FORMAT_VERSION,
            "0" * 64,
            dataset,
            "ground truth" if pool is None else "judges",
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            pool,
            judges,
            agreement,
            unsettled,
            pool is None,
            queries,
            own,
            _same_texts(own, texts),
            {caption: graded for caption, graded in grades.items() if graded},
        )
        return replace(made, sha256=made.computed_sha256())

    def __repr__(self) -> str:
        """Split, source, number of judged pairs and hash."""
        return (
            f"Judgements({one_line(self.dataset.title, 80)}: {count_of(self.num_judged, 'pair')} "
            f"by {self.source}, {self.sha256[:8]})"
        )

    def _repr_html_(self) -> str:
        counts = [sum(graded.count(grade) for graded in self._graded) for grade in (2, 1, 0)]
        return html_table(
            ["", "fit", "fit in part", "do not fit", "unsettled"],
            [["pairs", *(f"{count:,}" for count in counts), f"{self.unsettled:,}"]],
            title=f"Judged relevance of {self.dataset.title}, by {self.source}",
        )

    @property
    def num_judged(self) -> int:
        """Pairs that were judged, a caption's own clip and equal texts left out."""
        return sum(map(len, self.grades.values()))

    @property
    def _graded(self) -> list[list[int]]:
        return [list(graded.values()) for graded in self.grades.values()]

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions whose candidates were judged."""
        return tuple(direction for direction in DIRECTIONS if direction in self.queries)

    @cached_property
    def captions_of(self) -> Mapping[str, tuple[str, ...]]:
        """The captions of each clip."""
        captions: dict[str, list[str]] = {}
        for caption, video in self.own.items():
            captions.setdefault(video, []).append(caption)
        return {video: tuple(listed) for video, listed in captions.items()}

    @cached_property
    def _same_text_videos(self) -> Mapping[str, frozenset[str]]:
        videos: dict[str, frozenset[str]] = {}
        for group in self.same_text:
            videos.update(dict.fromkeys(group, frozenset(self.own[each] for each in group)))
        return videos

    def known_videos(self, caption: str) -> frozenset[str]:
        """Return the clips that fit a caption without a judgement: its own, and those of its text.

        Args:
            caption: Its id.
        """
        own = frozenset((self.own[caption],))
        return self._same_text_videos.get(caption, frozenset()) | own

    def is_known(self, direction: Direction, query: str, candidate: str) -> bool:
        """Tell whether a candidate fits without a judgement: text-identical relevance.

        Args:
            direction: Which way the query goes.
            query: Id of a caption or a clip.
            candidate: Id of a clip, of a caption, or of a set by its clip.
        """
        if direction == "t2v":
            return candidate in self.known_videos(query)
        captions = self.captions_of[candidate] if direction == "v2t" else (candidate,)
        return any(query in self.known_videos(caption) for caption in captions)

    def grade(self, caption: str, video: str) -> int | None:
        """Return the grade of a pair; None if it is not judged.

        Args:
            caption: Id of the caption.
            video: Id of the clip.
        """
        if video in self.known_videos(caption):
            return FITS
        return self.grades.get(caption, {}).get(video, UNFIT if self.complete else None)

    def grade_of(self, direction: Direction, query: str, candidate: str) -> int | None:
        """Return the grade of a candidate; None if it is not judged.

        Args:
            direction: Which way the query goes. A caption set has the grade of its best caption;
                it is judged when a caption of it fits, or when all are judged.
            query: Id of a caption or a clip.
            candidate: Id of a clip, of a caption, or of a set by its clip.
        """
        if direction == "t2v":
            return self.grade(query, candidate)
        if direction == "v2t_caption":
            return self.grade(candidate, query)
        grades = [self.grade(caption, query) for caption in self.captions_of[candidate]]
        known = [grade for grade in grades if grade is not None]
        return max(known) if FITS in known or len(known) == len(grades) else None

    @cached_property
    def relevant(self) -> Mapping[Direction, Mapping[str, Mapping[str, int]]]:
        """By direction and query: the candidates of grade 1 or 2, with their grades."""
        t2v: dict[str, dict[str, int]] = {}
        for caption in self.own:
            graded = {v: grade for v, grade in self.grades.get(caption, {}).items() if grade}
            t2v[caption] = graded | dict.fromkeys(sorted(self.known_videos(caption)), FITS)
        v2t: dict[str, dict[str, int]] = {video: {} for video in self.captions_of}
        v2t_caption: dict[str, dict[str, int]] = {video: {} for video in self.captions_of}
        for caption, graded in t2v.items():
            for video, grade in graded.items():
                if video in v2t:  # a clip without captions is no query
                    v2t_caption[video][caption] = grade
                    own = self.own[caption]
                    v2t[video][own] = max(grade, v2t[video].get(own, UNFIT))
        return {"t2v": t2v, "v2t": v2t, "v2t_caption": v2t_caption}

    def computed_sha256(self) -> str:
        """Return the hash of what was judged."""
        hashed = {name: to_json(getattr(self, name)) for name in _HASHED}
        return hashlib.sha256(canonical_json(hashed)).hexdigest()

    def write(self, path: str | Path) -> list[Path]:
        """Write the judgements, and TREC qrels of each direction beside them.

        Args:
            path: The JSON file. The qrels are named after it: ``NAME.t2v.qrels`` and so on; they
                have the judged queries, with their known pairs, and where judgements are complete
                no other pairs than those that fit.

        Returns:
            The paths written.
        """
        path = Path(path)
        stem = path.name.removesuffix(".json")
        files = [path]
        with written_together():
            with written_beside(path) as beside:
                beside.write_text(laid_out(to_json(self)) + "\n", encoding="utf-8")
            for direction in self.directions:
                files.append(path.with_name(f"{stem}.{direction}.qrels"))
                with (
                    written_beside(files[-1]) as beside,
                    beside.open("w", encoding="ascii", newline="\n") as file,
                ):
                    file.writelines(self._qrels(direction))
        return files

    def _qrels(self, direction: Direction) -> Iterator[str]:
        unfit = {} if direction == "v2t" else self._unfit(direction)
        judged = self.queries[direction]
        wanted = self.relevant[direction] if judged is None else judged
        for query in wanted:
            relevant = self.relevant[direction][query]
            listed = {**unfit.get(query, {}), **relevant}
            for candidate, grade in listed.items():
                yield f"{encode_id(query)} 0 {encode_id(candidate)} {grade}\n"

    def _unfit(self, direction: Direction) -> dict[str, dict[str, int]]:
        """Return the judged pairs that do not fit, by query."""
        found: dict[str, dict[str, int]] = {}
        for caption, graded in self.grades.items():
            for video, grade in graded.items():
                if grade == UNFIT:
                    query, other = (caption, video) if direction == "t2v" else (video, caption)
                    found.setdefault(query, {})[other] = UNFIT
        return found


def read_judgements(path: str | Path) -> Judgements:
    """Read judgements.

    Args:
        path: A file that `Judgements.write` wrote.

    Returns:
        The judgements.

    Raises:
        NotFoundError: There is no such file.
        ResultError: It is damaged, too new, or was edited.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(
            f"{path}: there is no such file of judgements: `dvtr-bench judge` writes it"
        )
    found = from_json(Judgements, read_json_bytes(path, ResultError), str(path), ResultError)
    if found.format_version != FORMAT_VERSION:
        raise ResultError(
            f"{path}: format {found.format_version}, this dvtr-bench reads {FORMAT_VERSION}: "
            "upgrade dvtr-bench, or put the judgements together again"
        )
    if ids_sha256(found.own) != found.dataset.queries_sha256:
        raise ResultError(f"{path}: its captions are not those whose hash it states")
    strangers = set(found.grades) - set(found.own)
    strangers |= {caption for group in found.same_text for caption in group} - set(found.own)
    drawn = {query for queries in found.queries.values() for query in queries or ()}
    strangers |= drawn - set(found.own) - set(found.own.values())
    if strangers:
        raise ResultError(f"{path}: {min(strangers)!r} is no id of {found.dataset.title}")
    if found.computed_sha256() != found.sha256:
        raise ResultError(
            f"{path}: it was changed after it was written (hash {found.sha256[:12]}): judge pairs "
            "again rather than editing the file"
        )
    return found


def _same_texts(own: Mapping[str, str], texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    groups: dict[int, list[str]] = {}
    for caption, number in zip(own, text_ids(texts).tolist(), strict=True):
        groups.setdefault(number, []).append(caption)
    return tuple(
        tuple(group) for group in groups.values() if len({own[each] for each in group}) > 1
    )
