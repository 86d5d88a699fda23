"""Which row of an ablation a result file belongs to, from the file alone."""

from collections.abc import Sequence

from dvtr_bench.ablation.variant import Ablations, Variant
from dvtr_bench.errors import IncomparableError, NotFoundError
from dvtr_bench.results import RunRecord
from dvtr_bench.results.setups import Setup, setup_of


def runs_by_variant(
    ablations: Ablations, records: Sequence[RunRecord]
) -> dict[str, list[RunRecord]]:
    """Sort result files into the rows of an ablation; those of nothing in it are left out.

    A file is a variant's where its model's configuration has that variant's settings and no other
    variant's, the full model's where it has none; all else (other settings, the recipe but for its
    seed, the dataset and its split) must be as in the full model's runs.

    Args:
        ablations: The model's.
        records: Of any models.

    Returns:
        The runs of each variant by its name, one a seed, in order of seeds; at least the full
        model's and one other's.

    Raises:
        NotFoundError: There is no ablation in them.
        IncomparableError: There is more than one, a seed twice, or a row said to have the full
            model's weights that has others.
    """
    groups: dict[Setup, dict[str, list[RunRecord]]] = {}
    for record in records:
        variant = _variant_of(ablations, record)
        if variant is not None:
            rows = groups.setdefault(_shared(ablations, record), {})
            rows.setdefault(variant.name, []).append(record)
    full = ablations.variants[0].name
    found = [rows for rows in groups.values() if full in rows and len(rows) > 1]
    if not found:
        raise NotFoundError(
            f"no ablation of {ablations.model} in these {len(records)} result files: it takes runs "
            f"of the {full} model and of another variant on one dataset with one recipe "
            "(`dvtr-bench ablate` makes them)"
        )
    if len(found) > 1:
        raise IncomparableError(
            f"these result files hold {len(found)} ablations of {ablations.model} (other datasets, "
            "recipes or settings): name those of one"
        )
    (rows,) = found
    for name, runs in rows.items():
        runs.sort(key=lambda run: run.model.seeds)
        _require_one_a_seed(name, runs)
    _require_full_weights(ablations, rows)
    return rows


def _variant_of(ablations: Ablations, record: RunRecord) -> Variant | None:
    config, full = record.model.config, ablations.variants[0]
    if record.model.name != ablations.model or record.scoring.post_processing != "none":
        return None
    found = [
        variant
        for variant in ablations.variants[1:]
        if all(config.get(name) == value for name, value in variant.settings.items())
    ]
    return None if len(found) > 1 else (found or [full])[0]


def _shared(ablations: Ablations, record: RunRecord) -> Setup:
    """Return all that runs of one ablation have in common: their setup but for what it varies."""
    varied = {f"config.{name}" for variant in ablations.variants for name in variant.settings}
    varied |= {"scoring", "text block", "order"}  # they follow from the configuration
    setup = setup_of(record)
    return Setup(setup.comparable, tuple(trait for trait in setup.traits if trait[0] not in varied))


def _require_one_a_seed(name: str, runs: Sequence[RunRecord]) -> None:
    seeds = [run.model.seeds for run in runs]
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        told = ", ".join(str(number) for number in twice[0])
        raise IncomparableError(
            f"{name}: {seeds.count(twice[0])} result files of seed {told}, where an ablation has "
            "one: take the others out"
        )


def _require_full_weights(ablations: Ablations, rows: dict[str, list[RunRecord]]) -> None:
    full = ablations.variants[0].name
    weights = {run.model.seeds: run.model.checkpoint_sha256 for run in rows[full]}
    for variant in ablations.variants[1:]:
        if not variant.settings.keys() <= ablations.scoring_only:
            continue
        for run in rows.get(variant.name, ()):
            if weights.get(run.model.seeds) != run.model.checkpoint_sha256:
                raise IncomparableError(
                    f"{variant.name}, seed {', '.join(map(str, run.model.seeds))}: this row is to "
                    f"be scored with the {full} model's weights of that seed, and was not"
                )
