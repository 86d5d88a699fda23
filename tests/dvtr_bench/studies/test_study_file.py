"""The line of every key, against where a marked value stands in the text."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvtr_bench.studies.study_file import line_of

TEXT = '''# a comment
title = "one # not a comment"
about = """
seeds = [1]
[models.msam]
"""

seeds = [
  42,   # the first

  43,
]
figures = ["R@1", "R@5"]
[models]
[models."K=3"]   # quoted
model = "msam"
settings = { num_semantics = 3, pooling = "mean" }
recipe.epochs = 2

[[questions]]
name = 'alone'

[[questions]]
name = 'second'
first = """\\
  a long one"""
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("title",), 2),
        (("about",), 3),
        (("seeds",), 8),
        (("seeds", 0), 9),
        (("seeds", 1), 11),
        (("figures", 1), 13),
        (("models",), 14),
        (("models", "K=3"), 15),
        (("models", "K=3", "settings", "pooling"), 17),
        (("models", "K=3", "recipe"), 18),
        (("models", "K=3", "recipe", "epochs"), 18),
        (("questions", 0), 20),
        (("questions", 1, "name"), 24),
        (("questions", 1, "first"), 25),
        (("questions", 1, "absent"), 23),
        (("absent",), 1),
        ((), 1),
    ],
)
def test_lines(keys, line) -> None:
    tomllib.loads(TEXT)
    assert line_of(TEXT, keys) == line


names = st.text("abcdef-_", min_size=1, max_size=6)
fillers = st.lists(
    st.sampled_from(["", "# [not.a.table]", '# x = """', "#"]), min_size=0, max_size=3
)
values = st.sampled_from(
    ["1", "'text'", '"""\n[a]\nb = 1\n"""', "[\n  1,\n  # 2\n  3\n]", "{ a = 1 }", "'''\n#\n'''"]
)


@settings(max_examples=60)
@given(st.lists(st.tuples(names, fillers, values), min_size=1, unique_by=lambda one: one[0]))
def test_every_key_is_found_where_it_was_written(statements) -> None:
    lines: list[str] = []
    written = {}
    for name, filler, value in statements:
        lines += filler
        written[name] = len(lines) + 1
        lines += f"{name} = {value}".split("\n")
    text = "\n".join(lines)
    assert set(tomllib.loads(text)) == set(written)
    assert {name: line_of(text, [name]) for name in written} == written
