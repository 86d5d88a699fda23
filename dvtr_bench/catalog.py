"""Folders as tables: a dataset, model or metric is one file, its module name is its key.

Listing reads file names and imports nothing; a lookup imports the one file it names. To add an
entry, add a file.
"""

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType

from dvtr_bench.errors import NotFoundError


@dataclass(frozen=True)
class Catalog:
    """The modules of one or more packages, by name.

    Attributes:
        kind: What an entry is, for messages ("model", "dataset", "metric").
        packages: Dotted names of the packages whose modules are the entries, in listing order.
        shown_by: The command that lists the entries, for messages.

    Example:
        >>> "recall" in METRICS.names()
        True
    """

    kind: str
    packages: tuple[str, ...]
    shown_by: str

    def names(self) -> list[str]:
        """Return the names of all entries, in file order, without importing any of them."""
        return list(self._locations())

    def load(self, name: str) -> ModuleType:
        """Import one entry.

        Args:
            name: The module's name; case and ``-`` for ``_`` do not matter.

        Returns:
            The imported module.

        Raises:
            NotFoundError: No file of that name, with the nearest names there are.
        """
        key = name.lower().replace("-", "_")
        locations = self._locations()
        if key not in locations:
            near = get_close_matches(key, locations, n=2)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise NotFoundError(
                f"no {self.kind} is called {name!r}: {hint}there are {', '.join(locations)} "
                f"({self.shown_by})"
            )
        return importlib.import_module(locations[key])

    def _locations(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for package in self.packages:
            spec = importlib.util.find_spec(package)
            if spec is None or spec.submodule_search_locations is None:
                raise NotFoundError(
                    f"the package {package} that holds the {self.kind}s is not installed: "
                    "reinstall dvtr-bench"
                )
            for module in pkgutil.iter_modules(spec.submodule_search_locations):
                found[module.name] = f"{package}.{module.name}"
        return found


MODELS = Catalog("model", ("baselines.models", "msam.models"), "see `dvtr-bench models`")
DATASETS = Catalog("dataset", ("builders.datasets",), "see `dvtr-bench datasets`")
METRICS = Catalog("metric", ("dvtr_bench.metrics",), "see dvtr_bench/metrics/")
BREAKDOWNS = Catalog(
    "breakdown", ("dvtr_bench.evaluation.breakdowns",), "see dvtr_bench/evaluation/breakdowns/"
)
POST_PROCESSORS = Catalog(
    "post-processor",
    ("dvtr_bench.evaluation.post_processing",),
    "see dvtr_bench/evaluation/post_processing/",
)
EXPORTS = Catalog("export format", ("leaderboard.exports",), "see leaderboard/exports/")
