"""Training runs that differ in nothing but their seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvtr_bench.runtime.checkpoint import RUN_FILE, checkpoint_folder, read_json
from dvtr_bench.training.recipe import whole_recipe


@dataclass(frozen=True)
class OtherSeeds:
    """The runs beside a run that differ from it in their seed alone.

    Attributes:
        checkpoints: The best checkpoint of each finished one, by seed; of several runs of one seed
            the newest.
        unfinished: Run folders of seeds that have no finished run, by seed.
    """

    checkpoints: Mapping[int, Path]
    unfinished: Mapping[int, Path]


def find_other_seeds(checkpoint: Path) -> OtherSeeds:
    """Find the other seeds of the setup that a checkpoint was trained with.

    Args:
        checkpoint: A checkpoint folder in its run folder, with the other runs beside that.

    Returns:
        What there is; nothing for a checkpoint that no run folder holds.

    Raises:
        WeightsError: A run.json is damaged.
    """
    own = checkpoint.resolve().parent
    if not (own / RUN_FILE).is_file():
        return OtherSeeds({}, {})
    setup, seed = _without_seed(read_json(own / RUN_FILE))
    finished: dict[int, tuple[str, Path]] = {}
    unfinished: dict[int, Path] = {}
    for path in sorted(own.parent.glob(f"*/{RUN_FILE}")):
        state = read_json(path)
        other, other_seed = _without_seed(state)
        if other != setup or other_seed in (seed, None):
            continue
        updated = str(state.get("updated_at", ""))
        if not state.get("finished"):
            unfinished[other_seed] = path.parent
        elif other_seed not in finished or updated >= finished[other_seed][0]:
            finished[other_seed] = (updated, path.parent)
    return OtherSeeds(
        {other: checkpoint_folder(finished[other][1]) for other in sorted(finished)},
        {other: unfinished[other] for other in sorted(set(unfinished) - set(finished))},
    )


def _without_seed(state: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    setup = dict(state.get("setup", {}))
    recipe = dict(setup.get("recipe", {}))
    seed = recipe.pop("seed", None)
    return {**setup, "recipe": {**whole_recipe(recipe), "seed": None}}, seed
