"""Columns that tell what clips were cut from, and licences that disagree."""

import re

import pytest

from tests.builders.conftest import FolderBuilder
from tests.builders.test_growing import texts

# Columns that tell what clips were cut from, and licences.


def test_a_column_of_sources_is_named_with_the_command(folder_builder: FolderBuilder) -> None:
    rows = "".join(f"{n},clip {n},film {n // 4},DJI {n % 2},{n % 3}\n" for n in range(40))
    folder_builder.table_of(f"video_id,caption,source,camera,weather\n{rows}")
    built = texts(folder_builder).dataset
    (note,) = [note for note in built.manifest.notes if "column" in note]
    assert re.match(r"\d+ of 10 values of the column 'source' have clips in more than one ", note)
    assert note.endswith("`--group-by source` keeps them together.")
    grouped = texts(folder_builder, "grouped", group_by="source").dataset
    assert not any("column" in note for note in grouped.manifest.notes)


@pytest.mark.parametrize(
    ("column", "cell", "advised"),
    [
        ("Flight ID", lambda n: str(n // 3), True),
        ("flightId", lambda n: str(n // 3), True),
        ("video_name", lambda n: f"v{n // 20}", False),  # two values
        ("youtube_id", lambda n: f"v{n // 10}", True),
        ("ort", lambda n: f"Dorf {n // 4}", True),  # by its values alone
        ("annotator", lambda n: f"person {n % 6}", False),
        ("camera_model", lambda n: f"DJI {n % 2}", False),
        ("altitude_m", lambda n: str(10 * (n // 4)), False),  # numbers
        ("remark", lambda n: f"remark {n}", False),  # all different
        ("source_fps", lambda n: str(24 + n // 8), False),
        ("note", lambda n: "", False),
    ],
)
def test_which_columns_name_sources(
    folder_builder: FolderBuilder, column: str, cell, advised: bool
) -> None:
    rows = "".join(f"{n},clip {n},{cell(n)}\n" for n in range(40))
    folder_builder.table_of(f"video_id,caption,{column}\n{rows}")
    notes = texts(folder_builder, draw="balanced").dataset.manifest.notes
    assert any(f"the column {column!r} have clips in more than" in note for note in notes) == (
        advised
    )


def test_stated_splits_that_divide_a_source(folder_builder: FolderBuilder) -> None:
    rows = "".join(f"{n},clip {n},film {n // 5},{('train', 'test')[n % 2]}\n" for n in range(20))
    folder_builder.table_of(f"video_id,caption,source,split\n{rows}")
    notes = texts(folder_builder).dataset.manifest.notes
    assert any(
        note.startswith(
            "4 of 4 values of the column 'source' have clips in more than one split "
            "(10 of 10 test clips share theirs with train), such as 'film 0'"
        )
        and note.endswith("without stated splits, `--group-by source` keeps them together.")
        for note in notes
    )


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("cc-by-4.0", "disagrees with --licence cc-by-4.0 for 3 of 12 clips: 2 'MIT', 1 'CC0'."),
        (None, "states licences of clips (9 'CC BY 4.0', 2 'MIT', 1 'CC0'), the card none"),
    ],
)
def test_licences_that_disagree(
    folder_builder: FolderBuilder, licence: str | None, expected: str
) -> None:
    cells = ["MIT", "CC0", "MIT", *["CC BY 4.0"] * 9]
    rows = "".join(f"{n},clip {n},{cell}\n" for n, cell in enumerate(cells))
    folder_builder.table_of(f"video_id,caption,License\n{rows}")
    notes = texts(folder_builder, licence=licence).dataset.manifest.notes
    assert any(expected in note for note in notes)
    folder_builder.table_of("video_id,caption,License\n1,x,CC BY 4.0\n2,y,cc-by-4.0\n")
    notes = texts(folder_builder, "same", licence="cc-by-4.0").dataset.manifest.notes
    assert not any("icen" in note for note in notes)
