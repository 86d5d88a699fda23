"""The house as ARCHITECTURE.md has it: who may import whom, no cycles, torch in its place."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("dvtr_bench", "builders", "baselines", "msam", "leaderboard")
ARROWS = {
    "dvtr_bench": set(),
    "builders": {"dvtr_bench"},
    "baselines": {"dvtr_bench"},
    "msam": {"dvtr_bench", "baselines"},
    "leaderboard": {"dvtr_bench"},
}
"""package -> the other packages it may import."""

MAY_IMPORT_ALL = ("dvtr_bench.cli.", "dvtr_bench.api.")
"""Where functions of dvtr_bench may import the other packages: the commands and what they call."""

TORCH_FREE = ("builders", "leaderboard")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}
FILE_LINES, FUNCTION_LINES = 400, 80


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, and whether that happens when the module loads."""

    importer: str
    imported: str
    at_load: bool
    line: int


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def read_imports(name: str, path: Path) -> Iterator[Import]:
    """Yield the imports of a file; those that only the type checker sees are left out."""

    def visit(node: ast.AST, at_load: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(name, alias.name, at_load, child.lineno)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                    for _ in range(child.level - 1):
                        package = package.rpartition(".")[0]
                    base = f"{package}.{base}".rstrip(".")
                for alias in child.names:
                    submodule = f"{base}.{alias.name}"
                    yield Import(
                        name, submodule if submodule in FILES else base, at_load, child.lineno
                    )
            elif _is_type_checking(child):
                continue
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from visit(child, at_load and not inside)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), at_load=True)


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for name, path in FILES.items() for found in read_imports(name, path))


def test_the_reader_of_imports_sees_what_there_is() -> None:
    assert Import("msam.models.msam", "torch", True, 0).imported in {
        found.imported for found in imports() if found.importer.startswith("msam")
    }
    assert any(
        found.importer == "builders" or found.imported.startswith("dvtr_bench")
        for found in imports()
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_between_packages(package: str) -> None:
    wrong = []
    for found in imports():
        source, target = found.importer.split(".")[0], found.imported.split(".")[0]
        if source != package or target == package or target not in PACKAGES:
            continue
        if package == "dvtr_bench" and not found.at_load:
            if not f"{found.importer}.".startswith(MAY_IMPORT_ALL):
                wrong.append(
                    f"{found.importer}:{found.line} imports {found.imported} inside a function"
                )
        elif target not in ARROWS[package]:
            wrong.append(f"{found.importer}:{found.line} imports {found.imported}")
    assert not wrong, f"{package} may import only {ARROWS[package] or 'itself'}: {wrong}"


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph.get(name, ())):
            if cycle := walk(target, (*trail, name)):
                return cycle
        done.add(name)
        return []

    return next((cycle for name in sorted(graph) if (cycle := walk(name, ()))), [])


def room_of(module: str) -> str:
    """A folder of a package with all that lies in it; a file beside the folders is its own room."""
    parts = FILES[module].relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:2])


def graph_of(node: Callable[[str], str]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for found in imports():
        if found.at_load and found.imported in FILES:
            source, target = node(found.importer), node(found.imported)
            if source != target:
                graph.setdefault(source, set()).add(target)
    return graph


def test_a_cycle_is_found_where_there_is_one() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_no_import_cycles_between_files() -> None:
    assert not (cycle := find_cycle(graph_of(lambda module: module))), " -> ".join(cycle)


def test_no_import_cycles_between_folders() -> None:
    assert not (cycle := find_cycle(graph_of(room_of))), " -> ".join(cycle)


def test_folders_of_the_core_use_those_above_them() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("**The core")[1]
    order = re.findall(r"^\| `(\w+)/` \|", page.split("\n**")[0], re.MULTILINE)
    core = ROOT / "dvtr_bench"
    assert sorted(order) == sorted(path.name for path in core.iterdir() if any(path.glob("*.py")))
    wrong = [
        f"{found.importer} imports {found.imported}"
        for found in imports()
        if found.at_load and found.imported in FILES
        for source, target in [(room_of(found.importer), room_of(found.imported))]
        if source.startswith("dvtr_bench.") and target.startswith("dvtr_bench.")
        for one, other in [(source.split(".")[1], target.split(".")[1])]
        if one in order and other in order and order.index(other) > order.index(one)
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("package", TORCH_FREE)
def test_torch_free_packages_load_without_torch(package: str) -> None:
    modules = [name for name in FILES if name.split(".")[0] == package]
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "sys.exit('torch' in sys.modules or 'open_clip' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT)
    assert ended.returncode == 0, f"loading {package} loads torch"


def test_the_package_and_its_command_line_load_no_heavy_library() -> None:
    heavy = (
        "torch",
        "open_clip",
        "datasets",
        "pandas",
        "pyarrow",
        "cv2",
        "av",
        "matplotlib",
        "numpy",
        "importlib.metadata",
        "concurrent.futures",
    )
    script = (
        "import sys\n"
        "import dvtr_bench\n"
        "dir(dvtr_bench)\n"
        "from dvtr_bench.cli import make_app\n"
        "make_app()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=ROOT, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]", f"--help would load {shown.stdout}"


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its docstring, which may be as long as it must."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


def test_files_and_functions_stay_small() -> None:
    lengths = {
        name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in FILES.items()
    }
    assert {name: n for name, n in lengths.items() if n > FILE_LINES} == {}
    long_functions = [
        f"{name}.{node.name}: {lines} lines"
        for name, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := lines_of_code(node)) > FUNCTION_LINES
    ]
    assert long_functions == []


def test_no_rooms_without_a_name() -> None:
    assert [name for name in FILES if name.rpartition(".")[2] in FORBIDDEN_NAMES] == []


def test_top_level_stays_as_the_customer_fixed_it() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the list of tracked files is not to be had")
    folders = {line.split("/")[0] for line in listed.stdout.splitlines() if "/" in line}
    assert folders <= {*PACKAGES, "tests", ".ci", ".github", "docs"}
