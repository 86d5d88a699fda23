import io
import sys

import pytest

from dvtr_bench.reports.others_text import make_console, plain_table

NAME = "a_dataset_with_a_name_that_is_longer_than_the_terminal_is_wide"


def shown(monkeypatch: pytest.MonkeyPatch) -> str:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    table = plain_table("name", "clips", figures=True)
    table.add_row(NAME, "12")
    make_console().print(table)
    return stream.getvalue()


def test_piped_output_has_a_line_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert any(
        NAME in line and line.split()[-1] == "12" for line in shown(monkeypatch).splitlines()
    )


def test_a_long_name_is_folded_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = shown(monkeypatch)
    assert all(len(line) <= 30 for line in text.splitlines())
    assert "\u2026" not in text
    letters = "".join(line.replace("12", "").strip() for line in text.splitlines())
    assert NAME in letters
