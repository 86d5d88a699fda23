"""The notebook of docs/: a whole one, and it runs from its first cell to its last."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "first_steps.ipynb"
SHOWS = ("_repr_html_", "_repr_svg_", "_repr_png_")


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return content


def code_cells(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_it_is_a_notebook_without_outputs(notebook: dict[str, Any]) -> None:
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        keys = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            keys |= {"execution_count", "outputs"}
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
        assert set(cell) == keys
        assert all(isinstance(line, str) for line in cell["source"])


def test_it_imports_nothing_else(notebook: dict[str, Any]) -> None:
    imports = [
        ast.unparse(node)
        for source in code_cells(notebook)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports == ["import dvtr_bench as dvtr"]


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell and return what a notebook would show below it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.slow
def test_it_runs(notebook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = [run_cell(source, names) for source in code_cells(notebook)]
    for thing in shown:
        assert len(repr(thing)) < 3000
        for name in SHOWS:
            if hasattr(thing, name):
                assert len(getattr(thing, name)()) > 100
    kinds = [type(thing).__name__ for thing in shown]
    for kind in (
        "BuiltDataset", "Video", "TrainedRun", "Chart", "EvaluationResult", "DataFrame",
        "Image", "Leaderboard", "FoundClips", "ScoreFigures",
    ):  # fmt: skip
        assert kind in kinds, f"no cell shows a {kind}"
    assert names["run"].epochs_done == 4
    recall = names["trained"].record.metrics["t2v"]["strict"]["R@5"].value
    assert names["dvtr"].recall_at_k(names["scores"], names["test"].caption_video_index, 5) == (
        pytest.approx(recall, abs=1e-9)
    )
    assert {path.name for path in tmp_path.iterdir()} == {
        "dvtr", "runs", "results", "LEADERBOARD.md",
    }  # fmt: skip
