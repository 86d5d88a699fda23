"""List the datasets that can be built and those that are."""

from pathlib import Path

from dvtr_bench.cli._command import Json, Root, print_json
from dvtr_bench.runtime.terminal import say


def datasets(
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """List the datasets that can be built, and those that are built."""
    from builders.summary import datasets_as_json, next_of_datasets, print_datasets

    if as_json:
        print_json(datasets_as_json(root))
        return
    print_datasets(root)
    say(next_of_datasets(root))
