"""Catalogs of extension points: each dataset, model or metric is one file, named by its key.

Listing reads file names and imports nothing; a lookup imports one file. To add an entry, add a
file, or install a package that declares an entry point in the group of the kind, such as
``dvtr_bench.metrics``: its name is the key, its value a module with the same contents as a file.
docs/guides/extending.md shows one of each kind.
"""

import importlib
import importlib.util
import inspect
import pkgutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from dvtr_bench.errors import ExtensionError, NotFoundError
from dvtr_bench.runtime.packages import Entry, PlugInWarning, import_plug_in, plug_ins


@dataclass(frozen=True)
class Need:
    """A name that every file of a kind must define.

    Attributes:
        name: The name in the file.
        write: What to write, for messages.
        fits: Whether a value of that name can be used.
    """

    name: str
    write: str
    fits: Callable[[Any], bool] = callable


@dataclass(frozen=True)
class Catalog:
    """The modules of one or more packages, by name.

    Attributes:
        kind: What an entry is, for messages ("model", "dataset", "metric").
        packages: Dotted names of the packages of the entries, in listing order; the first wins.
        shown_by: The command that lists the entries, for messages.
        group: Group of the entry points that plug in further entries; empty for none.
        needs: Names that every entry must define.

    Example:
        >>> "recall" in METRICS.names()
        True
    """

    kind: str
    packages: tuple[str, ...]
    shown_by: str
    group: str = ""
    needs: tuple[Need, ...] = ()

    def names(self) -> list[str]:
        """Return the names of all entries without importing any: files in order, then plug-ins."""
        return list(self._listed()[0])

    def problems(self) -> tuple[str, ...]:
        """Return a sentence about each plug-in that is ignored because of its declaration."""
        return tuple(sentence for _, sentence in self._listed()[1])

    def summaries(self) -> dict[str, str]:
        """Return the first docstring line of each entry, by name, without importing it.

        A file that cannot be read has an empty summary.
        """
        return {name: _summary(entry) for name, entry in self._listed()[0].items()}

    def entry(self, name: str) -> Entry:
        """Look an entry up without importing it.

        Args:
            name: Its name; case and ``-`` for ``_`` do not matter.

        Returns:
            The entry; its ``name`` is the canonical key.

        Raises:
            NotFoundError: There is none; the message lists similar names.
        """
        entries, _ = self._listed()
        key = _key(name)
        if key not in entries:
            near = get_close_matches(key, entries, n=2)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise NotFoundError(
                f"no {self.kind} is called {name!r}: {hint}there are {', '.join(entries)} "
                f"({self.shown_by})"
            )
        return entries[key]

    def load(self, name: str) -> ModuleType:
        """Import one entry; warn about plug-ins that are ignored because they have its name.

        Args:
            name: Its name; case and ``-`` for ``_`` do not matter.

        Returns:
            The imported module.

        Raises:
            NotFoundError: There is none; the message lists similar names.
            ExtensionError: A required name is missing, or it is a plug-in that cannot be imported.
        """
        entry = self.entry(name)
        for key, problem in self._listed()[1]:
            if key == entry.name:
                warnings.warn(problem, PlugInWarning, stacklevel=2)
        return self._imported(entry)

    def load_all(self) -> dict[str, ModuleType]:
        """Import every entry; warn about each plug-in that is ignored.

        Returns:
            The modules by name, in the order of `names`.

        Raises:
            ExtensionError: A file of this project lacks a required name.
        """
        modules = {}
        entries, refused = self._listed()
        for _, problem in refused:
            warnings.warn(problem, PlugInWarning, stacklevel=2)
        for name, entry in entries.items():
            try:
                modules[name] = self._imported(entry)
            except ExtensionError as failure:
                if not entry.plug_in:
                    raise
                warnings.warn(f"{failure}; it is left out", PlugInWarning, stacklevel=2)
        return modules

    def _listed(self) -> tuple[dict[str, Entry], list[tuple[str, str]]]:
        """Return the entries by key, and the problems of ignored plug-ins with their keys."""
        entries: dict[str, Entry] = {}
        for package in self.packages:
            spec = importlib.util.find_spec(package)
            if spec is None or spec.submodule_search_locations is None:
                raise NotFoundError(
                    f"the package {package} that holds the {self.kind}s is not installed: "
                    "reinstall dvtr-bench"
                )
            for module in pkgutil.iter_modules(spec.submodule_search_locations):
                entries.setdefault(module.name, Entry(module.name, f"{package}.{module.name}"))
        refused: list[tuple[str, str]] = []
        for plug_in in plug_ins(self.group) if self.group else ():
            offer = f"the plug-in {plug_in.plug_in} offers a {self.kind} {plug_in.name!r}"
            key = _key(plug_in.name)
            if existing := entries.get(key):
                refused.append(
                    (key, f"{offer}, but {existing.place} already has that name and is used: "
                    f"give the entry point in the group {self.group} another name")
                )  # fmt: skip
            elif ":" in plug_in.module:
                refused.append(
                    (key, f"{offer} as {plug_in.module!r}, which is no module: an entry point of "
                    f"the group {self.group} names a module, without ':'")
                )  # fmt: skip
            else:
                entries[key] = Entry(key, plug_in.module, plug_in.plug_in)
        return entries, refused

    def _imported(self, entry: Entry) -> ModuleType:
        module = import_plug_in(self.kind, entry) if entry.plug_in else None
        module = module or importlib.import_module(entry.module)
        for need in self.needs:
            if not hasattr(module, need.name):
                raise ExtensionError(f"{entry.place} lacks {need.name}: {need.write}")
            if not need.fits(value := getattr(module, need.name)):
                raise ExtensionError(f"{entry.place}: {need.name} is {value!r}: {need.write}")
        return module


def find_source(module: str) -> Path:
    """Find the file of a module without importing it or its packages.

    Args:
        module: Its dotted name.

    Returns:
        The file of its source.

    Raises:
        ExtensionError: There is none.
    """
    top, *inner = module.split(".")
    try:
        spec: ModuleSpec | None = importlib.util.find_spec(top)
        for name in inner:
            top = f"{top}.{name}"
            search_paths = spec.submodule_search_locations if spec else None
            spec = PathFinder.find_spec(top, search_paths) if search_paths else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ExtensionError(f"there is no module {module}")
    return Path(spec.origin)


def _summary(entry: Entry) -> str:
    import ast

    try:
        tree = ast.parse(find_source(entry.module).read_text(encoding="utf-8"))
    except (ExtensionError, OSError, SyntaxError, ValueError):
        return ""
    return (ast.get_docstring(tree) or "").split("\n", 1)[0]


def _key(name: str) -> str:
    return name.lower().replace("-", "_")


def _is_names(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(name, str) for name in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_class(value: object) -> bool:
    return isinstance(value, type)


MODELS = Catalog(
    "model",
    ("baselines.models", "msam.models"),
    "see `dvtr-bench models`",
    "dvtr_bench.models",
    (
        Need("Model", "write the class that is evaluated", _is_class),
        Need(
            "SCORING",
            'write SCORING = "pairwise" where a score depends on its caption and its video alone, '
            'SCORING = "query_block" where it depends on other captions too',
            lambda value: value in ("pairwise", "query_block"),
        ),
    ),
)
ADAPTERS = Catalog(
    "source of models",
    ("baselines.adapters",),
    "see `dvtr-bench models`",
    "dvtr_bench.adapters",
    (
        Need("Model", "write the class, made as Model(reference, config)", _is_class),
        Need("Config", "write the frozen dataclass of its settings", _is_class),
        Need(
            "SCORING",
            'write SCORING = "pairwise", as for a model',
            lambda value: value in ("pairwise", "query_block"),
        ),
        Need("EXAMPLES", "write names that it takes, as a tuple of texts", _is_names),
    ),
)
DATASETS = Catalog(
    "dataset",
    ("builders.datasets",),
    "see `dvtr-bench datasets`",
    "dvtr_bench.datasets",
    (
        Need("INFO", "write INFO = DatasetInfo(...), what is true of every build", bool),
        Need("Options", "write the frozen dataclass of the options that it takes", _is_class),
        Need("read", "write read(options), which returns a Source"),
    ),
)
METRICS = Catalog(
    "metric",
    ("dvtr_bench.metrics",),
    "see dvtr_bench/metrics/",
    "dvtr_bench.metrics",
    (
        Need("FIGURES", 'write the names it gives as a tuple, FIGURES = ("MRR",)', _is_names),
        Need(
            "HIGHER_IS_BETTER",
            "write HIGHER_IS_BETTER = True where more is better, = False where less is",
            lambda value: isinstance(value, bool),
        ),
        Need("compute", "write compute(ranks, counts, gallery_size), which returns arrays by name"),
    ),
)
BREAKDOWNS = Catalog(
    "breakdown",
    ("dvtr_bench.evaluation.breakdowns",),
    "see dvtr_bench/evaluation/breakdowns/",
    "dvtr_bench.breakdowns",
    (Need("groups", "write groups(split, show_progress), which returns Groups or None"),),
)
POST_PROCESSORS = Catalog(
    "post-processor",
    ("dvtr_bench.evaluation.post_processing",),
    "see dvtr_bench/evaluation/post_processing/",
    "dvtr_bench.post_processors",
    (
        Need(
            "STATEMENT",
            "write one sentence: what its scores depend on beside their own pair",
            _is_text,
        ),
        Need("fit", "write fit(config, raw), which returns an object with facts, t2v and v2t"),
    ),
)
EXPORTS = Catalog(
    "export format",
    ("leaderboard.exports",),
    "see leaderboard/exports/",
    "dvtr_bench.exports",
    (Need("export", "write export(results, folder), which returns Exported"),),
)
DATASET_EXPORTS = Catalog(
    "export format of datasets",
    ("builders.exports",),
    "see `dvtr-bench export --help`",
    "dvtr_bench.dataset_exports",
    (
        Need("Options", "write the frozen dataclass of what can be chosen", _is_class),
        Need("export", "write export(dataset, folder, options), which returns folders and notes"),
    ),
)
CHARTS = Catalog(
    "chart",
    ("dvtr_bench.reports.charts",),
    "see dvtr_bench/reports/charts/",
    "dvtr_bench.charts",
    (
        Need(
            "TAKES",
            "write TAKES = NamedValues, Distribution or Series (dvtr_bench.reports.chart_data)",
            _is_class,
        ),
        Need(
            "draw",
            "write draw(axes, data), which draws onto matplotlib Axes",
            lambda value: callable(value) and len(inspect.signature(value).parameters) == 2,
        ),
    ),
)
PLOTS = Catalog(
    "kind of plot",
    ("leaderboard.plots", "dvtr_bench.reports.charts"),
    "see `dvtr-bench plot --help`",
    "dvtr_bench.charts",
)
