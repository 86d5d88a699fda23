"""Print all that is known of one dataset."""

from pathlib import Path

from dvtr_bench.cli._options import AnyDataset, Json, Root
from dvtr_bench.cli._output import print_json


def info(
    dataset: AnyDataset,
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Print all that is known of a dataset, built or not; `datasets` lists what there is."""
    from builders.info import info_as_json, print_info

    if as_json:
        print_json(info_as_json(dataset, root))
    else:
        print_info(dataset, root)
