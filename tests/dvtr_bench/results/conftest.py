"""A record as the harness makes it, from ranks drawn at random."""

from dataclasses import replace

import numpy as np
import pytest

from dvtr_bench.ranking import RELEVANCE_KINDS
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.ceilings import SharedText
from dvtr_bench.ranking.movement import HonestyCheck
from dvtr_bench.ranking.rank_table import Groups, QueryRanks, RankTable
from dvtr_bench.results.build import make_record as build_record
from dvtr_bench.results.record import (
    DatasetFacts,
    ModelFacts,
    ScoringFacts,
    Seconds,
)
from dvtr_bench.runtime.environment import EnvironmentFacts


def _ranks(generator, queries, gallery):
    optimistic = generator.integers(1, gallery, queries)
    pessimistic = optimistic + (generator.random(queries) < 0.1)
    return QueryRanks(pessimistic, optimistic)


@pytest.fixture
def make_record():
    """Make a record; parts of it can be replaced."""

    def make(*, seed=0, videos=12, **parts):
        generator = np.random.default_rng(seed)
        own = np.sort(np.append(np.arange(videos), generator.integers(0, videos, videos)))
        sizes = {
            "t2v": (len(own), videos),
            "v2t": (videos, videos),
            "v2t_caption": (videos, len(own)),
        }
        table = RankTable(
            own,
            videos,
            {
                d: {k: _ranks(generator, *size) for k in RELEVANCE_KINDS}
                for d, size in sizes.items()
            },
        )
        facts = {
            "kind": "model",
            "dataset": DatasetFacts(
                "usrd", "1.0.0", "f" * 64, "test", "uniform:12", 12, videos, len(own), 0,
                "a" * 64, "b" * 64,
            ),
            "model": ModelFacts(
                "msam", {"num_semantics": 7}, 10, "c" * 64, "ViT-B-32/openai", "d" * 64, (42,)
            ),
            "scoring": ScoringFacts("query_block", 32),
            "environment": EnvironmentFacts(
                "2026-01-31T12:00:00Z", "cpu", "x86_64", "float32", {"torch": "2.6"},
                "e" * 40, False,
            ),
            "honesty": (HonestyCheck("queries shuffled", 10, 0.0, 1e-4),),
            "seconds": Seconds(1.0, 2.0, None),
            "shared_text": SharedText(len(own), 4, 85.24),
            "groups": {
                "category": Groups(
                    "Category", "video", ("a boat", "{road}", "sea"),
                    np.minimum(np.arange(videos), 1),
                ),
                "shared_text": Groups(
                    "Shared text", "caption", ("none", "some"), generator.integers(0, 2, len(own))
                ),
            },
            "bootstrap": BootstrapConfig(resamples=100),
        }  # fmt: skip
        changes = {
            name: parts.pop(name)
            for name in list(parts)
            if name != "groups" and isinstance(parts[name], dict)
        }
        facts.update(parts)
        facts.update({name: replace(facts[name], **change) for name, change in changes.items()})
        return build_record(table, **facts)

    return make
