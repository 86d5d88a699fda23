"""Folders as tables: listing imports nothing, lookup forgives spelling, misses name the nearest."""

import subprocess
import sys

import pytest

from dvtr_bench.catalog import DATASETS, METRICS, MODELS, Catalog
from dvtr_bench.errors import NotFoundError


def test_names_are_the_files() -> None:
    assert {"msam", "clip4clip_meanp", "clip4clip_seqtransf", "clip_zeroshot"} <= set(
        MODELS.names()
    )
    assert {"aerosynth", "capera", "folder", "umcrd", "usrd"} <= set(DATASETS.names())
    assert METRICS.names()


def test_listing_imports_no_entry() -> None:
    script = (
        "import sys; from dvtr_bench.catalog import MODELS; MODELS.names();"
        "sys.exit(any('.models.' in name or name == 'torch' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("spelling", ["recall", "Recall", "RECALL"])
def test_lookup_forgives_case(spelling: str) -> None:
    assert METRICS.load(spelling).__name__ == "dvtr_bench.metrics.recall"


def test_lookup_takes_hyphens() -> None:
    assert METRICS.load("mean-rank").__name__ == "dvtr_bench.metrics.mean_rank"


def test_a_miss_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"no metric is called 'recal': did you mean recall\?"):
        METRICS.load("recal")


def test_a_missing_package_is_said() -> None:
    catalog = Catalog("toy", ("dvtr_bench.no_such_package",), "nowhere")
    with pytest.raises(NotFoundError, match="reinstall"):
        catalog.names()
