"""``import dvtr_bench as dvtr``: what is there, that it is lazy, typed, documented, and used."""

import ast
import importlib
import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import dvtr_bench
from dvtr_bench import errors

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(
    path.stem for path in (ROOT / "dvtr_bench" / "cli").glob("*.py") if path.stem[0] != "_"
)
WANTED = {
    "open_dataset", "build", "train", "evaluate", "evaluate_scores", "recall_at_k", "load_model",
    "load_results", "compare", "search", "make_leaderboard", "__version__",
}  # fmt: skip
FUNCTIONS = [name for name in dvtr_bench.__all__ if name.islower() and name[0] != "_"]


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """The script that makes the reference page."""
    path = ROOT / "docs" / "reference" / "make_python.py"
    spec = importlib.util.spec_from_file_location("make_python", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_names_are_there_and_sorted() -> None:
    kinds = {name for name, kind in vars(errors).items() if inspect.isclass(kind)}
    assert set(dvtr_bench.__all__) >= WANTED | kinds
    assert dvtr_bench.__all__ == sorted(dvtr_bench.__all__, key=lambda name: (name.islower(), name))
    for name in dvtr_bench.__all__:
        assert getattr(dvtr_bench, name) is not None
        assert name in dir(dvtr_bench)


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        dvtr_bench.fly  # noqa: B018


def test_nothing_is_loaded_before_it_is_used() -> None:
    script = (
        "import sys, dvtr_bench as dvtr\n"
        "assert set(dvtr.__all__) <= set(dir(dvtr))\n"
        "loaded = {name for name in sys.modules if name.startswith('dvtr_bench')}\n"
        "assert loaded == {'dvtr_bench', 'dvtr_bench.errors'}, loaded\n"
        "assert 'numpy' not in sys.modules\n"
        "assert dvtr.open_dataset.__module__ == 'dvtr_bench.api.datasets'\n"
        "import dvtr_bench.searching.searches, dvtr_bench.evaluation.evaluate\n"
        "assert callable(dvtr.search) and callable(dvtr.evaluate)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_no_public_name_is_a_folder_or_file_of_the_package() -> None:
    # An import of the module would put it in the function's place.
    modules = {path.stem for path in (ROOT / "dvtr_bench").iterdir()}
    assert not modules & set(FUNCTIONS)


def test_type_checkers_see_what_is_loaded_later() -> None:
    tree = ast.parse((ROOT / "dvtr_bench" / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == dvtr_bench._PLACES
    assert sorted(seen) == sorted(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_typed_and_shows_an_example(name: str) -> None:
    function = getattr(dvtr_bench, name)
    doc = inspect.getdoc(function) or ""
    for part in ("Args:", "Returns:", "Raises:", "Example:"):
        assert part in doc, f"{name} has no {part}"
    assert f"dvtr.{name}(" in doc
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for argument in signature.parameters.values():
        assert argument.annotation is not inspect.Parameter.empty, f"{name}: {argument}"
        assert f"{argument.name}: " in doc, f"{name} does not describe {argument.name}"


def test_the_reference_page_is_what_the_docstrings_make(page: ModuleType) -> None:
    described = [name for names in page.SECTIONS.values() for name in names]
    assert sorted(described) == sorted(FUNCTIONS)
    found = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    assert found == page.make_page(), "run python docs/reference/make_python.py"
    for name in dvtr_bench.__all__:
        assert f"### {name}\n" in found or f"`{name}`" in found


def test_every_command_has_a_function_and_calls_it(page: ModuleType) -> None:
    assert sorted(page.COMMANDS) == COMMANDS
    for command, place in page.COMMANDS.items():
        module, _, name = place.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
        text = (ROOT / "dvtr_bench" / "cli" / f"{command}.py").read_text(encoding="utf-8")
        through_others = {
            "ablate": "print_study", "quickstart": "print_study", "datasets": "print_datasets",
        }  # fmt: skip
        assert through_others.get(command, name) in text, f"{command} does not call {place}"
