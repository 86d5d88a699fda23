"""List what a study would do, `dvtr-bench run --list`, and estimate how long it will take."""

import statistics
from collections.abc import Iterator, Sequence

from dvtr_bench.runtime.terminal import count_of
from dvtr_bench.studies.ledger import Ledger
from dvtr_bench.studies.plan import Build, Run
from dvtr_bench.studies.study import Study


def estimate_seconds(
    todo: Sequence[Run], everything: Sequence[Run], ledger: Ledger
) -> float | None:
    """Estimate the remaining time from the times of the same study.

    Args:
        todo: Runs that are not done.
        everything: All runs of the study.
        ledger: Existing runs and their times.

    Returns:
        Seconds on one device; None before anything was timed.
    """
    timed = [(run, *item) for run in everything for item in ledger.seconds(run).items()]
    total = 0.0
    for run in todo:
        epochs = 0 if run.recipe is None or ledger.is_trained(run) else run.recipe.epochs
        for name, count in (("epoch", epochs), ("evaluation", len(ledger.missing(run)))):
            if count:
                seconds_each = _nearest(run, name, timed)
                if seconds_each is None:
                    return None
                total += count * seconds_each
    return total


def _nearest(run: Run, name: str, timed: Sequence[tuple[Run, str, float]]) -> float | None:
    """Return the mean time of the same model and dataset, else of the dataset, else of any."""
    of_name = [(other, seconds) for other, timed_name, seconds in timed if timed_name == name]
    for close in (
        [s for other, s in of_name if (other.model, other.dataset) == (run.model, run.dataset)],
        [s for other, s in of_name if other.dataset == run.dataset],
        [s for _, s in of_name],
    ):
        if close:
            return statistics.mean(close)
    return None


def about_seconds(seconds: float) -> str:
    """Format a time for people.

    Example:
        >>> about_seconds(42), about_seconds(600), about_seconds(9000)
        ('about 42 s', 'about 10 min', 'about 2.5 h')
    """
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"


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
