"""dvtr-bench: datasets, models and one recall protocol for drone video-text retrieval.

``import dvtr_bench as dvtr`` is all that a notebook needs: every name below is there at once and
loaded when it is first used. docs/reference/python.md describes them.
"""

import importlib
from typing import TYPE_CHECKING, Final

from dvtr_bench.errors import (
    AnnotationError,
    BuildError,
    BusyError,
    ClipError,
    ClusterError,
    ConfigError,
    DvtrError,
    ExtensionError,
    HubUnreachableError,
    IncomparableError,
    InputError,
    MissingClipsError,
    NotANumberError,
    NotFoundError,
    OutputExistsError,
    ProtocolError,
    PublishError,
    ResultError,
    StudyError,
    UnsafePickleError,
    WeightsError,
    WriteError,
)

if TYPE_CHECKING:
    from dvtr_bench.api.backbones import list_backbones
    from dvtr_bench.api.datasets import build, open_dataset
    from dvtr_bench.api.evaluation import evaluate, evaluate_all
    from dvtr_bench.api.external_scores import evaluate_external
    from dvtr_bench.api.judging import collect_judgements, judge_by_facts, make_pool
    from dvtr_bench.api.models import load_model
    from dvtr_bench.api.mteb_runs import evaluate_mteb
    from dvtr_bench.api.plotting import plot
    from dvtr_bench.api.reports import draw_dataset, draw_queries, report
    from dvtr_bench.api.results import (
        compare,
        find_mistakes,
        load_results,
        make_leaderboard,
    )
    from dvtr_bench.api.searching import search
    from dvtr_bench.api.studies import list_study, run_study
    from dvtr_bench.api.submissions import check_submissions
    from dvtr_bench.api.training import train
    from dvtr_bench.evaluation.bare_scores import evaluate_scores, recall_at_k

__version__ = "0.1.0"

_API: Final = "dvtr_bench.api"
_PLACES: Final = {
    "open_dataset": f"{_API}.datasets",
    "build": f"{_API}.datasets",
    "train": f"{_API}.training",
    "load_model": f"{_API}.models",
    "list_backbones": f"{_API}.backbones",
    "evaluate": f"{_API}.evaluation",
    "evaluate_all": f"{_API}.evaluation",
    "evaluate_external": f"{_API}.external_scores",
    "evaluate_mteb": f"{_API}.mteb_runs",
    "evaluate_scores": "dvtr_bench.evaluation.bare_scores",
    "recall_at_k": "dvtr_bench.evaluation.bare_scores",
    "load_results": f"{_API}.results",
    "compare": f"{_API}.results",
    "find_mistakes": f"{_API}.results",
    "make_leaderboard": f"{_API}.results",
    "make_pool": f"{_API}.judging",
    "collect_judgements": f"{_API}.judging",
    "judge_by_facts": f"{_API}.judging",
    "plot": f"{_API}.plotting",
    "report": f"{_API}.reports",
    "draw_queries": f"{_API}.reports",
    "draw_dataset": f"{_API}.reports",
    "check_submissions": f"{_API}.submissions",
    "search": f"{_API}.searching",
    "run_study": f"{_API}.studies",
    "list_study": f"{_API}.studies",
}
"""Where each function lives; it is imported when it is first used."""

__all__ = [
    "AnnotationError",
    "BuildError",
    "BusyError",
    "ClipError",
    "ClusterError",
    "ConfigError",
    "DvtrError",
    "ExtensionError",
    "HubUnreachableError",
    "IncomparableError",
    "InputError",
    "MissingClipsError",
    "NotANumberError",
    "NotFoundError",
    "OutputExistsError",
    "ProtocolError",
    "PublishError",
    "ResultError",
    "StudyError",
    "UnsafePickleError",
    "WeightsError",
    "WriteError",
    "__version__",
    "build",
    "check_submissions",
    "collect_judgements",
    "compare",
    "draw_dataset",
    "draw_queries",
    "evaluate",
    "evaluate_all",
    "evaluate_external",
    "evaluate_mteb",
    "evaluate_scores",
    "find_mistakes",
    "judge_by_facts",
    "list_backbones",
    "list_study",
    "load_model",
    "load_results",
    "make_leaderboard",
    "make_pool",
    "open_dataset",
    "plot",
    "recall_at_k",
    "report",
    "run_study",
    "search",
    "train",
]


def __getattr__(name: str) -> object:
    """Load a function when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return every public name, whether it was loaded or not."""
    return sorted({*globals(), *__all__})
