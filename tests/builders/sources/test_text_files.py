from pathlib import Path

import pytest

from builders.sources.listed_dataset import read_id_list
from builders.sources.text_file import read_text
from dvtr_bench.errors import AnnotationError, ConfigError, NotFoundError


def test_only_line_ends_are_taken_off_ids(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"Baseball_010 \nBaseball_010\nBaseball_008 1\r\n\x0cX\n")
    assert read_id_list(path) == ("Baseball_010 ", "Baseball_010", "Baseball_008 1", "\x0cX")


def test_a_list_needs_no_newline_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"a\nb ")
    assert read_id_list(path) == ("a", "b ")


@pytest.mark.parametrize(("text", "message"), [("a\n\nb\n", "line 2"), ("a\nb\na\n", "line 1")])
def test_empty_and_repeated_lines_are_errors(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(AnnotationError, match=message):
        read_id_list(path)


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\ufefffile_name,caption\n".encode())
    assert read_text(path).startswith("file_name")


def test_another_encoding_names_the_byte_the_line_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("file_name,caption\na.mp4,un café\n".encode("cp1252"))
    with pytest.raises(AnnotationError, match=r"0xe9 in line 2.*caf.*--encoding cp1252"):
        read_text(path)
    assert "café" in read_text(path, "cp1252")


def test_utf_16_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("file_name,caption\n".encode("utf-16"))
    with pytest.raises(AnnotationError, match="--encoding utf-16"):
        read_text(path)
    assert read_text(path, "utf-16") == "file_name,caption\n"


def test_unknown_encodings_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="klingon"):
        read_text(tmp_path / "a", "klingon")
    with pytest.raises(NotFoundError, match="nothing"):
        read_text(tmp_path / "a")
    with pytest.raises(NotFoundError, match="folder"):
        read_text(tmp_path)
