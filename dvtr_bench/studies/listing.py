"""List what a study would do: `dvtr-bench run --list`."""

from collections.abc import Iterator, Sequence

from dvtr_bench.runtime.wording import count_of
from dvtr_bench.studies.ledger import Ledger
from dvtr_bench.studies.plan import Build, Run
from dvtr_bench.studies.study import Study
from dvtr_bench.studies.timing import about_seconds, estimate_seconds


def list_study(
    study: Study,
    datasets: Sequence[Build],
    runs: Sequence[Run],
    ledger: Ledger,
    workers: int = 1,
) -> Iterator[str]:
    """Describe what a study would run and what is done.

    Args:
        study: The study.
        datasets: Its datasets, built or not.
        runs: As `dvtr_bench.studies.work.plan_study` returned them.
        ledger: Existing runs and results.
        workers: Number of runs at a time.

    Yields:
        Lines: datasets with their rows, then totals and an estimate of the time left.
    """
    yield f"{study.title} ({study.name})"
    for dataset in datasets:
        state = "built" if dataset.fingerprint else "yet to be built"
        yield f"\n{dataset.name}, {state}"
        dataset_runs = [run for run in runs if run.dataset == dataset]
        yield from _rows(study, dataset_runs, ledger)
    trainings = [run for run in runs if run.recipe is not None]
    trained = sum(ledger.is_trained(run) for run in trainings)
    scorings = [(run, scoring) for run in runs for scoring in run.scorings]
    scored = sum(ledger.record(*pair) is not None for pair in scorings)
    seeds = ", ".join(map(str, study.seeds))
    yield (
        f"\n{len(study.rows)} models on {count_of(len(datasets), 'dataset')}, seeds {seeds}: "
        f"{count_of(len(trainings), 'training')}, {trained} done; "
        f"{count_of(len(scorings), 'evaluation')}, {scored} done"
    )
    todo = [run for run in runs if not ledger.is_done(run)]
    if not todo:
        yield "nothing is left to do"
        return
    seconds = estimate_seconds(todo, runs, ledger)
    yield (
        "no estimate of the time until something was timed"
        if seconds is None
        else f"{about_seconds(seconds / workers)} left, estimated from the times so far"
    )


def _rows(study: Study, runs: Sequence[Run], ledger: Ledger) -> Iterator[str]:
    backbones = [run for run in runs if not run.scorings]
    lines = [
        (f"backbone under {run.model}", _trained([run], ledger), f"starts from {run.backbone.name}")
        for run in backbones
    ]
    for row in study.rows:
        row_runs = [run for run in runs if row.name in run.rows]
        scorings = [
            (run, scoring)
            for run in row_runs
            for scoring in run.scorings
            if row.name in scoring.rows
        ]
        done = sum(ledger.record(*pair) is not None for pair in scorings)
        evaluated = f"{done} of {len(scorings)} evaluated"
        first = row_runs[0].scorings[0].rows[0]
        if row_runs[0].recipe is None:
            state = "not trained"
        elif first != row.name:
            state = f"weights of {first}"
        else:
            state = _trained(row_runs, ledger)
        lines.append((row.name, f"{state}, {evaluated}", row.about))
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    for name, state, about in lines:
        yield f"  {name:<{widths[0]}}  {state:<{widths[1]}}  {about}".rstrip()


def _trained(runs: Sequence[Run], ledger: Ledger) -> str:
    return f"{sum(map(ledger.is_trained, runs))} of {len(runs)} trained"
