"""Reading of a run of mteb on our tasks: predictions with every score, and its own figures.

mteb's result files hold figures alone, of which no rank of a query can be made. Its predictions
(``mteb.evaluate(..., prediction_folder=...)``) hold the best candidates of every query with their
scores: where these are all candidates, they are a sim_matrix.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.dataset.mteb_tasks import TASK_DIRECTIONS, TaskDirection, mteb_task_name
from dvtr_bench.errors import InputError, NotFoundError, ProtocolError, ResultError
from dvtr_bench.evaluation.external_file import ExternalFile
from dvtr_bench.reading.border import brief_value
from dvtr_bench.reading.json_toml_text import parse_published_json, read_json_bytes
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking import Direction
    from dvtr_bench.results.record import RunRecord

_SUBSET: Final = "default"
_META: Final = "mteb_model_meta"
_ROUNDING: Final = 1e-5
"""mteb's figures have five decimals."""

_SAME_AS: Final[Mapping[TaskDirection, "Direction"]] = {"t2v": "t2v", "v2t": "v2t_caption"}
"""The direction of ours that a task's hit rates are."""

_HOW: Final = (
    "make them with mteb.evaluate(model, task, prediction_folder=FOLDER), where the task's "
    "k_values reach the number of candidates, as in the tasks of `dvtr-bench export DATASET --to "
    "mteb`"
)


@dataclass(frozen=True, eq=False)
class MtebRun:
    """A run of mteb on the tasks of a dataset.

    Attributes:
        model_name: The model's name in mteb.
        revision: Its revision; None where mteb knows none.
        mteb_version: Of the program that ran it; None without a file of figures.
        scores: The sim_matrix of each task that was run, ``t2v`` first.
        hit_rates: What mteb says itself, by task, then k; without a file of figures nothing.
    """

    model_name: str
    revision: str | None
    mteb_version: str | None
    scores: Mapping[TaskDirection, ExternalFile]
    hit_rates: Mapping[TaskDirection, Mapping[int, float]]

    @property
    def facts(self) -> dict[str, Any]:
        """What the record says of the run, as JSON values."""
        return {
            "source": "mteb",
            "revision": self.revision,
            "mteb_version": self.mteb_version,
            "predictions_sha256": {way: file.sha256 for way, file in self.scores.items()},
            "figures_checked": sorted(self.hit_rates),
        }


def read_mteb_run(place: Path, split: "RetrievalSplit") -> MtebRun:
    """Read the predictions and figures of a run.

    Args:
        place: A file of predictions, or a folder that holds such files of one model, and the files
            of figures where these are kept.
        split: The split that was evaluated.

    Returns:
        The run, with at least one task.

    Raises:
        NotFoundError: There is nothing of the split's tasks, or figures alone.
        InputError: A file is not what mteb writes, or has several models.
        ProtocolError: Predictions lack queries or candidates, or are of another version of the
            dataset.
    """
    if not place.exists():
        raise NotFoundError(f"no file or folder {place}: expected predictions of mteb, {_HOW}")
    names = {mteb_task_name(split.dataset_name, way): way for way in TASK_DIRECTIONS}
    found: dict[TaskDirection, ExternalFile] = {}
    models: dict[tuple[str, str | None], Path] = {}
    for name, way in names.items():
        for path in _files(place, f"{name}_predictions.json"):
            if way in found:
                raise InputError(
                    f"{place} holds several predictions of {name}, {found[way].path} and {path}: "
                    "name the folder of one model"
                )
            content = _object(path)
            models.setdefault(_model(path, content), path)
            found[way] = _sim_matrix(path, content, split, way)
    if len(models) > 1:
        told = " and ".join(f"{name} in {path}" for (name, _), path in models.items())
        raise InputError(f"{place} holds predictions of {told}: bring one model at a time")
    figures = {way: _figures(place, name, split) for name, way in names.items()}
    if not found:
        raise NotFoundError(_nothing(place, names, any(figures.values())))
    _require_every_video(split, found)
    (model_name, revision), *_ = models
    told_of = [one for way, one in figures.items() if one is not None and way in found]
    versions = {one.mteb_version for one in told_of}
    return MtebRun(
        model_name=model_name,
        revision=revision,
        mteb_version=" and ".join(sorted(filter(None, versions))) or None,
        scores=found,
        hit_rates={
            way: one.hit_rates for way, one in figures.items() if one is not None and way in found
        },
    )


def require_same_figures(run: MtebRun, record: "RunRecord") -> None:
    """Compare mteb's hit rates with ours.

    Args:
        run: The run.
        record: Our record of the same scores.

    Raises:
        ResultError: A hit rate is not between our recall and what it is if every relevant candidate
            comes first among equal scores.
    """
    for task, hit_rates in run.hit_rates.items():
        way = _SAME_AS[task]
        ties = record.ties.get(way)
        for k, theirs in hit_rates.items():
            figure = record.metrics[way]["strict"].get(f"R@{k}")
            if figure is None:
                continue
            most = figure.value if ties is None else ties.optimistic[f"R@{k}"]
            if not figure.value / 100 - _ROUNDING <= theirs <= most / 100 + _ROUNDING:
                raise ResultError(
                    f"mteb says hit_rate_at_{k} = {theirs:.5f} for {task}, and the predictions "
                    f"give {figure.value / 100:.5f}: the two are not of one run. Leave the file of "
                    "figures out of the folder, or run mteb again with overwrite_strategy='always'"
                )


@dataclass(frozen=True)
class _Figures:
    mteb_version: str | None
    hit_rates: Mapping[int, float]


def _require_every_video(
    split: "RetrievalSplit", found: Mapping[TaskDirection, ExternalFile]
) -> None:
    without = len(split.video_ids) - len(set(split.caption_video_index.tolist()))
    if "t2v" not in found and without:
        raise ProtocolError(
            f"{found['v2t'].path}: {count_of(without, 'video')} without captions, which are no "
            "queries and have no scores here: bring the predictions of the text-to-video task too"
        )


def _files(place: Path, name: str) -> Iterator[Path]:
    if place.is_file():
        if place.name == name:
            yield place
        return
    yield from sorted(path for path in place.rglob(name) if path.is_file())


def _object(path: Path) -> dict[str, Any]:
    text = read_json_bytes(path).decode("utf-8", "replace")
    content = parse_published_json(text, str(path), unique=True)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def _model(path: Path, content: Mapping[str, Any]) -> tuple[str, str | None]:
    meta = content.get(_META)
    name = meta.get("model_name") if isinstance(meta, dict) else None
    revision = meta.get("revision") if isinstance(meta, dict) else None
    if not isinstance(name, str) or not isinstance(revision, str | None):
        raise InputError(
            f"{path}: {_META}: expected model_name and revision, found {brief_value(meta)}: "
            "predictions that mteb 2 wrote have both"
        )
    return name, revision


def _sim_matrix(
    path: Path, content: Mapping[str, Any], split: "RetrievalSplit", way: TaskDirection
) -> ExternalFile:
    """Make captions x videos of the scores of each query's candidates."""
    subset = content.get(_SUBSET)
    rows = subset.get(split.name) if isinstance(subset, dict) else None
    if not isinstance(rows, dict):
        raise InputError(
            f"{path}: expected scores under {_SUBSET!r} and {split.name!r}, found "
            f"{brief_value(list(content))}"
        )
    described = sorted(set(split.caption_video_index.tolist()))
    videos = [split.video_ids[row] for row in described]
    if way == "t2v":
        scores = _matrix(path, rows, split.caption_ids, split.video_ids)
    else:
        scores = np.zeros((len(split.caption_ids), len(split.video_ids)), np.float64)
        # A video without captions is no query; its column is used for none of this task's figures.
        scores[:, described] = _matrix(path, rows, videos, split.caption_ids).T
    narrow = scores.astype(np.float32)
    return ExternalFile(
        path,
        "sim_matrix",
        file_sha256(path),
        tuple(split.caption_ids),
        tuple(split.video_ids),
        {"sim_matrix": narrow if np.array_equal(narrow, scores, equal_nan=True) else scores},
    )


def _matrix(
    path: Path, rows: Mapping[str, Any], queries: Sequence[str], candidates: Sequence[str]
) -> NDArray[np.float64]:
    """Return the scores, queries x candidates, of predictions that have all of both."""
    _require_ids(path, "queries", rows, queries)
    matrix = np.empty((len(queries), len(candidates)), np.float64)
    for place, query in enumerate(queries):
        scores = rows[query]
        if not isinstance(scores, dict):
            raise InputError(f"{path}: {query!r}: expected scores, found {brief_value(scores)}")
        if len(scores) < len(candidates):
            raise ProtocolError(
                f"{path}: {query!r} has the scores of {len(scores):,} of {len(candidates):,} "
                f"candidates: a rank among all of them needs every score; {_HOW}"
            )
        _require_ids(path, f"candidates of {query!r}", scores, candidates)
        values = [scores[candidate] for candidate in candidates]
        wrong = [value for value in values if type(value) not in (int, float)]
        if wrong:
            raise InputError(f"{path}: {query!r}: {brief_value(wrong[0])} is no score")
        matrix[place] = values
    return matrix


def _require_ids(path: Path, what: str, found: Mapping[str, Any], expected: Sequence[str]) -> None:
    if missing := [one for one in expected if one not in found]:
        raise ProtocolError(
            f"{path}: {len(missing):,} of {len(expected):,} {what} are missing, the first "
            f"{missing[0]!r}: these predictions are of another split or version of the dataset"
        )
    if len(found) > len(expected):
        known = set(expected)
        unknown = next(one for one in found if one not in known)
        raise ProtocolError(
            f"{path}: {what}: {brief_value(unknown)} is not in the split: these predictions are of "
            "another split or version of the dataset"
        )


def _figures(place: Path, name: str, split: "RetrievalSplit") -> _Figures | None:
    """Read the file of figures of a task, if there is one; of several, nothing is known."""
    beside = place.with_name(f"{name}.json")
    paths = list(_files(place if place.is_dir() else beside, beside.name))
    if len(paths) != 1:
        return None
    (path,) = paths
    content = _object(path)
    _require_revision(path, content.get("dataset_revision"), split)
    scores = content.get("scores")
    entries = scores.get(split.name) if isinstance(scores, dict) else None
    entry = next(
        (
            one
            for one in (entries if isinstance(entries, list) else [])
            if isinstance(one, dict) and one.get("hf_subset") == _SUBSET
        ),
        None,
    )
    if entry is None:
        raise InputError(f"{path}: expected figures of the {split.name} split, as mteb writes them")
    rates = {k: entry.get(f"hit_rate_at_{k}") for k in (1, 5, 10)}
    version = content.get("mteb_version")
    return _Figures(
        version if isinstance(version, str) else None,
        {k: float(rate) for k, rate in rates.items() if isinstance(rate, int | float)},
    )


def _require_revision(path: Path, revision: object, split: "RetrievalSplit") -> None:
    """Refuse figures of another build, where the revision names one; after an upload it does not.

    A task that was not uploaded states ``VERSION-FINGERPRINT``.
    """
    version, _, fingerprint = str(revision).rpartition("-")
    if version and len(fingerprint) == 12 and not split.fingerprint.startswith(fingerprint):
        raise ProtocolError(
            f"{path}: of the dataset {brief_value(revision)}, this one has the fingerprint "
            f"{split.fingerprint[:12]}: export the task again and run mteb on it"
        )


def _nothing(place: Path, names: Mapping[str, TaskDirection], has_figures: bool) -> str:
    wanted = " or ".join(f"{name}_predictions.json" for name in names)
    if has_figures:
        return (
            f"{place} holds mteb's figures and no predictions ({wanted}): no rank of a query can "
            f"be made of figures; {_HOW}"
        )
    return f"{place} holds no {wanted}: {_HOW}"
