"""Plug-ins: listed like files of ours, refused by name where they clash or are broken."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.catalog import METRICS, MODELS, find_source
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ExtensionError, NotFoundError
from dvtr_bench.models.listing import list_models
from dvtr_bench.runtime import packages
from dvtr_bench.runtime.packages import PlugInWarning

Install = Callable[..., Path]

METRIC = """
FIGURES = ("MRR",)
HIGHER_IS_BETTER = True
def compute(ranks, counts, gallery_size):
    return {"MRR": (counts / ranks).sum(axis=1) / counts.sum(axis=1)}
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return what installs a package with modules and entry points."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(name: str, modules: Mapping[str, str], points: Mapping[str, Mapping[str, str]]) -> Path:
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").touch()
        for module, text in modules.items():
            (package / f"{module}.py").write_text(text)
        information = tmp_path / f"{name}-2.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n"
        )
        lines = [
            line
            for group, entries in points.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
        ]
        (information / "entry_points.txt").write_text("\n".join(lines))
        # Packages are installed before the program starts; here it runs already.
        _forget()
        return package

    yield add
    _forget()
    for module in [one for one in sys.modules if one.partition(".")[0].startswith("pack_")]:
        del sys.modules[module]


def _forget() -> None:
    packages._installed.cache_clear()


def test_a_plug_in_is_an_entry_like_others(install: Install) -> None:
    ours = METRICS.names()
    install("pack_a", {"deep": METRIC}, {"dvtr_bench.metrics": {"Mean-RR": "pack_a.deep"}})
    assert METRICS.names() == [*ours, "mean_rr"]
    assert "pack_a" not in sys.modules
    assert METRICS.entry("mean-rr").place == "pack_a/deep.py (plug-in pack_a 2.0)"
    assert METRICS.load("MEAN_RR").FIGURES == ("MRR",)
    assert METRICS.problems() == ()
    with pytest.raises(NotFoundError, match="did you mean mean_r"):
        METRICS.load("mean_rrr")


def test_a_name_of_ours_stays_ours_and_it_is_said(install: Install) -> None:
    install("pack_b", {"recall": METRIC}, {"dvtr_bench.metrics": {"Recall": "pack_b.recall"}})
    told = (
        "the plug-in pack_b 2.0 offers a metric 'Recall', but dvtr_bench/metrics/recall.py "
        "already has that name and is used: give the entry point in the group "
        "dvtr_bench.metrics another name"
    )
    assert METRICS.problems() == (told,)
    with pytest.warns(PlugInWarning, match="offers a metric 'Recall'"):
        assert METRICS.load("recall").__name__ == "dvtr_bench.metrics.recall"


def test_the_second_of_two_plug_ins_of_a_name_is_left_out(install: Install) -> None:
    for name in ("pack_c", "pack_d"):
        install(name, {"mrr": METRIC}, {"dvtr_bench.metrics": {"mrr": f"{name}.mrr"}})
    assert METRICS.entry("recall").plug_in == ""
    (problem,) = METRICS.problems()
    assert "the plug-in pack_d 2.0 offers a metric 'mrr', but pack_c/mrr.py" in problem


@pytest.mark.parametrize(
    ("modules", "value", "message"),
    [
        ({}, "pack_e.nowhere", "cannot be imported .ModuleNotFoundError: No module named"),
        ({"mrr": "import no_such_library"}, "pack_e.mrr", "No module named 'no_such_library'"),
        ({"mrr": "raise SystemExit(3)"}, "pack_e.mrr", "cannot be imported .SystemExit: 3."),
        ({"mrr": "def compute("}, "pack_e.mrr", "cannot be imported .SyntaxError"),
        (
            {"mrr": METRIC.replace("HIGHER_IS_BETTER = True", "")},
            "pack_e.mrr",
            "pack_e/mrr.py .plug-in pack_e 2.0. lacks HIGHER_IS_BETTER: write HIGHER_IS_BETTER",
        ),
        (
            {"mrr": METRIC.replace('("MRR",)', '"MRR"')},
            "pack_e.mrr",
            "FIGURES is 'MRR': write the names it gives as a tuple",
        ),
    ],
)
def test_a_broken_plug_in_is_named_and_left_out(
    install: Install, modules: Mapping[str, str], value: str, message: str
) -> None:
    install("pack_e", modules, {"dvtr_bench.metrics": {"mrr": value}})
    assert "mrr" in METRICS.names()
    with pytest.raises(ExtensionError, match=message):
        METRICS.load("mrr")
    with pytest.warns(PlugInWarning, match=message):
        assert "mrr" not in METRICS.load_all()


def test_an_entry_point_that_names_no_module_is_said(install: Install) -> None:
    install("pack_f", {"mrr": METRIC}, {"dvtr_bench.metrics": {"mrr": "pack_f.mrr:compute"}})
    assert "mrr" not in METRICS.names()
    (problem,) = METRICS.problems()
    assert "as 'pack_f.mrr:compute', which is no module" in problem


def test_listings_and_help_survive_what_is_broken(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    install(
        "pack_g",
        {
            "plain": '"""Plain."""\nSCORING = "pairwise"\nraise RuntimeError',
            "silent": '"""Silent."""\nTRAINABLE = True',
            "odd": 'SCORING = "magic"',
            "broken": "def Model(",
        },
        {
            "dvtr_bench.models": {
                "plain": "pack_g.plain",
                "silent": "pack_g.silent",
                "odd": "pack_g.odd",
                "broken": "pack_g.broken",
                "gone": "pack_g.gone",
                "xpool": "pack_g.plain",
            },
            "dvtr_bench.datasets": {"lost": "pack_g.gone"},
        },
    )
    listed = {model.name: model for model in list_models()}
    assert listed["plain"].summary == "Plain."
    assert (listed["plain"].scoring, listed["plain"].problem) == ("pairwise", "")
    place = "pack_g/silent.py (plug-in pack_g 2.0)"
    assert listed["silent"].problem.startswith(f"{place} lacks SCORING: write SCORING = ")
    assert "says SCORING = 'magic': write SCORING" in listed["odd"].problem
    assert "cannot be read" in listed["broken"].problem
    assert "there is no module pack_g.gone" in listed["gone"].problem
    assert "pack_g" not in sys.modules
    told = CliRunner().invoke(make_app(), ["models"], catch_exceptions=False).output
    assert "silent                 cannot be used: pack_g/silent.py" in told
    assert (
        "note: the plug-in pack_g 2.0 offers a model 'xpool', but baselines/models/xpool.py" in told
    )
    page = CliRunner().invoke(make_app(), ["build", "--help"], catch_exceptions=False).output
    assert "lost" in page
    with pytest.warns(PlugInWarning, match="offers the dataset 'lost' as pack_g.gone"):
        told = CliRunner().invoke(make_app(), ["datasets"], catch_exceptions=False).output
    assert "usrd" in told
    assert "lost" not in told


def test_a_metric_that_gives_a_figure_of_another_is_left_out(
    tmp_path: Path, install: Install
) -> None:
    package = install(
        "pack_h",
        {"twin": METRIC.replace("MRR", "R@5"), "joint": METRIC.replace("MRR", "mR")},
        {"dvtr_bench.metrics": {"twin": "pack_h.twin", "joint": "pack_h.joint"}},
    )
    script = "from dvtr_bench.ranking.figures import figure_names; print(figure_names())"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": f"{package.parent}{os.pathsep}{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "('R@1', 'R@5', 'R@10', 'MdR', 'MdR-lower', 'MnR')"
    assert (
        "pack_h/twin.py (plug-in pack_h 2.0) defines R@5, which recall defines already"
        in ended.stderr
    )
    assert "defines mR, which the protocol defines already" in ended.stderr


def test_a_source_is_found_without_an_import() -> None:
    script = (
        "import sys\n"
        "from dvtr_bench.catalog import find_source\n"
        "print(find_source('msam.models.msam'))\n"
        "sys.exit('msam' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip().endswith("msam/models/msam.py")
    for lost in ("msam.models.nothing", "no_such_package.here", "msam.models.msam.deeper", "sys"):
        with pytest.raises(ExtensionError, match=f"there is no module {lost}"):
            find_source(lost)


def test_ours_lists_nothing_of_its_own_as_a_problem() -> None:
    assert MODELS.problems() == METRICS.problems() == ()
