"""Records as JSON text and back."""

import json
from collections.abc import Mapping
from typing import Any, Final

from dvtr_bench.dataset.strict_json import to_json
from dvtr_bench.errors import ConfigError, ResultError
from dvtr_bench.ranking import DIRECTIONS, PROTOCOL_VERSION
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.ceilings import SharedText
from dvtr_bench.ranking.figures import Figure
from dvtr_bench.ranking.group_figures import GroupFigure, GroupFigures
from dvtr_bench.ranking.movement import HonestyCheck
from dvtr_bench.results.record import (
    RESULT_FORMAT_VERSION,
    Breakdown,
    DatasetFacts,
    DirectionRanks,
    ModelFacts,
    PostProcessingFacts,
    RankLists,
    RunRecord,
    ScoringFacts,
    Seconds,
    Ties,
    TrainingFacts,
)
from dvtr_bench.results.schema import require_valid
from dvtr_bench.runtime.environment import EnvironmentFacts

_LINE_LENGTH: Final = 100


def to_text(record: RunRecord) -> str:
    """Write a record as JSON text.

    Args:
        record: A run.

    Returns:
        JSON; what fits on a line stands on one, and so does every list of numbers.

    Raises:
        ResultError: A number of the record is not finite, or the model's config is no JSON.
    """
    try:
        return _laid_out(to_json(record), "") + "\n"
    except (ValueError, TypeError) as failure:
        raise ResultError(
            f"the result of {record.label} on {record.dataset.name} cannot be written as JSON "
            f"({failure}): a result holds finite numbers, texts, lists and objects alone"
        ) from None


def from_text(text: str, file: str) -> RunRecord:
    """Read a record from JSON text; its figures are not recomputed here.

    Args:
        text: What `to_text` wrote.
        file: Where from, for messages.

    Returns:
        The record.

    Raises:
        ResultError: No JSON, of another format version, or not as the schema says.
    """
    value = _parse(text, file)
    _require_versions(value, file)
    require_valid(value, file)
    try:
        bootstrap = BootstrapConfig(**value["bootstrap"])
    except ConfigError as failure:
        raise ResultError(f"{file}: bootstrap: {failure}") from None
    return RunRecord(
        **{name: value[name] for name in ("format_version", "protocol_version", "kind", "chance")},
        dataset=DatasetFacts(**value["dataset"]),
        model=_model_facts(value["model"]),
        scoring=_scoring_facts(value["scoring"]),
        environment=EnvironmentFacts(**value["environment"]),
        honesty=tuple(HonestyCheck(**check) for check in value["honesty"]),
        seconds=Seconds(**value["seconds"]),
        bootstrap=bootstrap,
        metrics={
            direction: {
                kind: {name: Figure(**figure) for name, figure in figures.items()}
                for kind, figures in kinds.items()
            }
            for direction, kinds in value["metrics"].items()
        },
        left_out=tuple(value["left_out"]),
        ties={direction: Ties(**ties) for direction, ties in value["ties"].items()},
        shared_text=SharedText(**value["shared_text"]),
        breakdowns={axis: _breakdown(item) for axis, item in value["breakdowns"].items()},
        caption_video_index=tuple(value["caption_video_index"]),
        ranks={direction: _direction_ranks(value["ranks"][direction]) for direction in DIRECTIONS},
    )


def _laid_out(value: Any, margin: str) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(margin) + len(line) <= _LINE_LENGTH:
        return line
    inner = margin + "  "
    if isinstance(value, dict):
        members = [f"{json.dumps(name)}: {_laid_out(item, inner)}" for name, item in value.items()]
    elif isinstance(value, list) and isinstance(value[0], dict):
        members = [_laid_out(item, inner) for item in value]
    else:
        return line
    body = ",\n".join(inner + member for member in members)
    return f"{line[0]}\n{body}\n{margin}{line[-1]}"


def _parse(text: str, file: str) -> Any:
    def refuse_constant(name: str) -> float:
        raise ResultError(f"{file}: {name} is no number that a result may hold")

    def refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            names = [name for name, _ in pairs]
            twin = next(name for name in names if names.count(name) > 1)
            raise ResultError(f"{file}: the field {twin} stands twice in one object")
        return members

    try:
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_twins)
    except json.JSONDecodeError as failure:
        raise ResultError(f"{file}: not a JSON file ({failure}): evaluate again") from None


def _require_versions(value: object, file: str) -> None:
    names = (("format_version", RESULT_FORMAT_VERSION), ("protocol_version", PROTOCOL_VERSION))
    for name, known in names:
        found = value.get(name) if isinstance(value, dict) else None
        if type(found) is not int:
            raise ResultError(f"{file}: expected a whole number {name}, found {found!r}")
        if found != known:
            age = "too new" if found > known else "too old"
            step = "upgrade dvtr-bench" if found > known else "evaluate again"
            raise ResultError(
                f"{file}: {age}: {name} {found}, this dvtr-bench reads {known}: {step}"
            )


def _model_facts(value: Mapping[str, Any]) -> ModelFacts:
    training = value["training"]
    return ModelFacts(
        **{
            **value,
            "seeds": tuple(value["seeds"]),
            "training": None if training is None else TrainingFacts(**training),
        }
    )


def _scoring_facts(value: Mapping[str, Any]) -> ScoringFacts:
    done = value["post_processed"]
    processed = None if done is None else PostProcessingFacts(**done)
    return ScoringFacts(**{**value, "post_processed": processed})


def _breakdown(value: Mapping[str, Any]) -> Breakdown:
    return Breakdown(
        title=value["title"],
        unit=value["unit"],
        groups=tuple(value["groups"]),
        codes=tuple(value["codes"]),
        results={
            direction: {
                group: GroupFigures(
                    item["queries"],
                    item["videos"],
                    {name: GroupFigure(**figure) for name, figure in item["metrics"].items()},
                )
                for group, item in groups.items()
            }
            for direction, groups in value["results"].items()
        },
    )


def _direction_ranks(value: Mapping[str, Any]) -> DirectionRanks:
    identical = value["text_identical"]
    return DirectionRanks(
        _rank_lists(value["strict"]), None if identical is None else _rank_lists(identical)
    )


def _rank_lists(value: Mapping[str, Any]) -> RankLists:
    optimistic = value["optimistic"]
    return RankLists(tuple(value["pessimistic"]), None if optimistic is None else tuple(optimistic))
