"""Changes that keep every file whole and every hash right are found in what the rows say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.checks.verify.verify import verify_dataset
from dvtr_bench.dataset.manifest import read_manifest
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.video.frame_store import FrameFormat, decode_frame, encode_frame
from tests.builders.forging import change_values, edit_manifest, rehash, stamp, write_again

DATA = "data/test-00000-of-00001.parquet"
CAPTIONS = "captions/test.parquet"
QRELS = "qrels/test.parquet"


def findings(folder: Path, *, decode: bool = False) -> list[str]:
    found = verify_dataset(open_dataset(folder), decode=decode, progress=False)
    return [str(finding) for finding in found.findings]


def set_at(place: int, value: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda values: [*values[:place], value, *values[place + 1 :]]


def swapped(values: list[Any]) -> list[Any]:
    return [values[1], values[0], *values[2:]]


def test_rewriting_a_file_as_it_is_and_rehashing_it_changes_nothing(toy: Path) -> None:
    """The other tests find what they change, not that it was written again."""
    change_values(toy / CAPTIONS, "caption", lambda values: values)
    change_values(toy / DATA, "frames", lambda values: values)
    assert len(findings(toy)) == 2
    rehash(toy)
    assert findings(toy, decode=True) == []


def test_a_caption_in_the_captions_alone(toy: Path) -> None:
    change_values(toy / CAPTIONS, "caption", set_at(2, "a boat"))
    rehash(toy)
    assert findings(toy) == [
        f"{CAPTIONS}: row 2 ('e#0'): caption is 'a boat' here, 'boat e' in {DATA} row 1"
    ]


def test_swapped_captions(toy: Path) -> None:
    change_values(toy / CAPTIONS, "caption", swapped)
    rehash(toy)
    assert [line.split(":")[1] for line in findings(toy)] == [" row 0 ('d#0')", " row 1 ('d#1')"]


def test_a_caption_in_both_places(toy: Path) -> None:
    """The consistent forger: rows and hashes agree, the fingerprint does not."""
    change_values(toy / CAPTIONS, "caption", set_at(2, "a boat"))
    change_values(toy / DATA, "captions", set_at(1, ["a boat", "a lake from above"]))
    rehash(toy)
    (told,) = findings(toy)
    assert told.startswith(f"fingerprint: dataset.json says {read_manifest(toy).fingerprint}, rows")
    # With the new fingerprint in dataset.json, card and Parquet metadata still tell.
    new = told.rsplit(" ", 1)[1]
    edit_manifest(toy, lambda manifest: manifest.update(fingerprint=new))
    told = "\n".join(findings(toy))
    assert f"{DATA}: its metadata say fingerprint" in told
    assert "README.md: its prose lacks the fingerprint of dataset.json" in told
    for path in toy.rglob("*.parquet"):
        stamp(path, fingerprint=new)
    rehash(toy)
    (told,) = findings(toy)
    assert "README.md: its prose lacks" in told


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("category", "air"),
        ("category", None),
        ("clip_sha256", "0" * 64),
        ("licence", "CC-BY"),
    ],
)
def test_whatever_the_fingerprint_covers(toy: Path, column: str, value: object) -> None:
    change_values(toy / DATA, column, set_at(0, value))
    rehash(toy)
    (told,) = findings(toy)
    assert told.startswith("fingerprint: ")


def test_other_qrels(toy: Path) -> None:
    change_values(toy / QRELS, "corpus-id", set_at(0, "e"))
    rehash(toy)
    assert findings(toy) == [f"{QRELS}: row 0 ('d#0'): corpus-id is 'e' here, 'd' in {DATA} row 0"]
    change_values(toy / QRELS, "corpus-id", set_at(0, "d"))
    change_values(toy / QRELS, "score", set_at(5, 0))
    rehash(toy)
    assert findings(toy) == [f"{QRELS}: row 5 ('f#1'): score is 0 here, 1 in {DATA} row 2"]


def test_rows_too_many_and_too_few(toy: Path) -> None:
    table = pq.read_table(toy / QRELS)
    write_again(toy / QRELS, table.slice(0, 5))
    table = pq.read_table(toy / CAPTIONS)
    write_again(toy / CAPTIONS, table.take([0, 1, 2, 3, 4, 5, 5]))
    rehash(toy)
    told = findings(toy)
    assert f"{QRELS}: it ends before 'f#1', which {DATA} row 2 has" in told
    assert f"{CAPTIONS}: row 6: 'f#1' belongs to no video, nor what follows" in told
    write_again(toy / CAPTIONS, table.take([0, 2, 3, 4, 5]))
    rehash(toy)
    assert (
        f"{CAPTIONS}: row 1: expected caption_id 'd#1' by {DATA} row 0, found 'e#0'; no row after "
        "it was compared"
    ) in findings(toy)


def test_a_video_too_few_everywhere(toy: Path) -> None:
    """The gallery is one smaller in all configs, and all hashes and counts of files say so."""
    for name, rows in ((DATA, [0, 1]), (CAPTIONS, [0, 1, 2, 3]), (QRELS, [0, 1, 2, 3])):
        write_again(toy / name, pq.read_table(toy / name).take(rows))
    rehash(toy)
    told = "\n".join(findings(toy))
    assert "dataset.json: test: num_videos is 3, the rows give 2" in told
    assert "dataset.json: test: video_ids_sha256" in told
    assert "fingerprint: " in told
    assert "dataset.json: frames: num_frames is 72, the rows give 60" in told
    assert "README.md: its YAML says splits" in told


def test_a_video_in_two_splits(toy: Path) -> None:
    change_values(toy / DATA, "video_id", set_at(0, "a"))
    rehash(toy)
    told = findings(toy)
    assert f"{DATA}: row 0: 'a' is in the train split" in told


def test_frames_of_another_clip(toy: Path) -> None:
    """Headers cannot tell them; the clip's perceptual hash, made again from the pixels, can."""

    def mirrored(frames: list[dict[str, bytes]]) -> list[dict[str, Any]]:
        pictures = [decode_frame(frame["bytes"])[:, ::-1].copy() for frame in frames]
        return [{"bytes": encode_frame(p, FrameFormat()), "path": None} for p in pictures]

    change_values(toy / DATA, "frames", lambda values: [values[0], mirrored(values[1]), values[2]])
    rehash(toy)
    seen, decoded = findings(toy), findings(toy, decode=True)
    assert all("mean_frame_bytes" in line for line in seen)
    (told,) = set(decoded) - set(seen)
    assert told.startswith(f"{DATA}: row 1 ('e'): its frames are not those of its clip: their perc")


def test_frames_that_do_not_fit_their_times(toy: Path) -> None:
    change_values(toy / DATA, "frames", lambda values: [values[0][:-1], *values[1:]])
    change_values(
        toy / DATA, "frame_pts_seconds", lambda values: [values[0], values[1][::-1], values[2]]
    )
    rehash(toy)
    told = "\n".join(findings(toy))
    assert f"{DATA}: row 0 ('d'): 11 frames with 12 times" in told
    assert f"{DATA}: row 0 ('d'): expected 12 frames (uniform:12), found 11" in told
    assert f"{DATA}: row 1 ('e'): its frame times do not ascend" in told


def test_columns_and_features(toy: Path) -> None:
    table = pq.read_table(toy / CAPTIONS)
    write_again(toy / CAPTIONS, table.replace_schema_metadata({}))
    write_again(toy / QRELS, pq.read_table(toy / QRELS).rename_columns(["q", "c", "score"]))
    rehash(toy)
    told = "\n".join(findings(toy))
    assert f"{CAPTIONS}: its metadata say fingerprint None, dataset.json" in told
    assert f"{CAPTIONS}: its Hugging Face features are not those of its columns" in told
    assert f"{QRELS}: expected the columns query-id, corpus-id, score; found q, c, score" in told


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("name", "mine", DATA),
        ("version", "1.0.1", "README.md"),
        ("fingerprint", "0" * 64, "fingerprint"),
        ("pretty_name", "Mine", "README.md"),
        ("language", "de", "README.md"),
        ("homepage", "https://example.org", "README.md"),
        ("citation", "@misc{mine}", "README.md"),
        ("notes", ["All is well."], "build-report.json"),
        ("left_out", {"broken clips": 3}, "build-report.json"),
        ("extra_columns", [], DATA),
        ("frames", None, DATA),
    ],
)
def test_an_edited_manifest(toy: Path, field: str, value: object, place: str) -> None:
    edit_manifest(toy, lambda manifest: manifest.update({field: value}))
    assert any(line.startswith(f"{place}: ") for line in findings(toy)), findings(toy)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("licence", "id", "mit"),
        ("licence", "statement", "Free for all."),
        ("frames", "sampling", "uniform:11"),
        ("frames", "sampling", "now and then"),
        ("frames", "short_side_px", 112),
        ("frames", "image_format", "png"),
        ("frames", "extractor", "2"),
        ("frames", "num_frames", 71),
        ("frames", "mean_frame_bytes", 1.0),
    ],
)
def test_an_edited_part_of_the_manifest(toy: Path, part: str, field: str, value: object) -> None:
    edit_manifest(toy, lambda manifest: manifest[part].update({field: value}))
    assert findings(toy) != []


@pytest.mark.parametrize(
    "field",
    ["num_videos", "num_captions", "identical_caption_ceiling", "video_ids_sha256"],
)
def test_edited_splits(toy: Path, field: str) -> None:
    def edit(manifest: dict[str, Any]) -> None:
        split = manifest["splits"]["test"]
        split[field] = "0" * 64 if field.endswith("sha256") else split[field] + 1

    edit_manifest(toy, edit)
    assert any(f"dataset.json: test: {field} is" in line for line in findings(toy))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("README.md", "# Toy\n", "README.md: it does not begin with YAML"),
        ("README.md", "---\na: [\n---\n", "README.md: its YAML cannot be read"),
        ("README.md", "---\npretty_name: x\n---\n", "README.md: its YAML says pretty_name 'x'"),
        ("README.md", "---\n- x\n---\n", "README.md: its YAML cannot be read"),
        ("build-report.json", "{}", "build-report.json: not a build report"),
        ("build-report.json", "[", "build-report.json: not a build report"),
    ],
)
def test_other_documents(toy: Path, name: str, text: str, message: str) -> None:
    (toy / name).write_text(text)
    assert any(line.startswith(message) for line in findings(toy))


def test_trec_and_croissant(toy: Path) -> None:
    path = toy / "trec" / "test.qrels"
    lines = path.read_text().splitlines(keepends=True)
    for text, message in (
        ("".join(lines[:5]), "line 6: expected 'f#1 0 f 1' by data/test-00000-of-00001.parquet"),
        ("".join([*lines, "g#0 0 g 1\n"]), "line 7: 'g#0 0 g 1"),
        ("".join([lines[1], lines[0], *lines[2:]]), "line 1: expected 'd#0 0 d 1'"),
        ("\xff".join(lines), "line 2: expected 'd#1 0 d 1'"),
    ):
        path.write_text(text, encoding="latin-1")
        (told,) = findings(toy)
        assert told.startswith(f"trec/test.qrels: {message}")
    path.write_text("".join(lines))
    croissant = toy / "croissant.json"
    text = croissant.read_text()
    for before, after, message in (
        ("contentSize", "size", "croissant.json: not Croissant (KeyError: 'contentSize')"),
        ("{", "", "croissant.json: not Croissant"),
        (DATA, "data/test.parquet", f"croissant.json: it says {DATA} None, dataset.json"),
        ('"toy"', '"x"', "croissant.json: it says name 'x', dataset.json 'toy'"),
    ):
        croissant.write_text(text.replace(before, after))
        assert any(line.startswith(message) for line in findings(toy))
    # Builds before there were such files are whole.
    croissant.unlink()
    path.unlink()
    assert findings(toy) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("captions", [None, "a lake from above"], "row 0: caption 0 is null"),
        ("frame_pts_seconds", [None] * 12, "row 0 ('d'): its frame times do not ascend"),
        ("frame_pts_seconds", [float("nan")] * 12, "row 0 ('d'): its frame times do not ascend"),
        ("frame_pts_seconds", [100.0] * 12, "row 0 ('d'): its frame times do not ascend"),
        ("frames", [None] * 12, "row 0 ('d'): frame 0: 0 bytes that are no picture"),
        ("frames", [{"bytes": None, "path": "/etc/passwd"}] * 12, "row 0 ('d'): frame 0: 0 bytes"),
        ("frames", None, "row 0 ('d'): frames hold nothing"),
        ("perceptual_hash", None, "row 0 ('d'): perceptual_hash hold nothing"),
    ],
)
def test_values_that_no_build_writes(toy: Path, column: str, value: object, message: str) -> None:
    change_values(toy / DATA, column, set_at(0, value))
    rehash(toy)
    assert any(line.startswith(f"{DATA}: {message}") for line in findings(toy, decode=True))


def test_text_that_is_no_text(toy: Path) -> None:
    """Parquet does not look at what bytes a string has."""
    table = pq.read_table(toy / DATA)
    place = table.schema.get_field_index("category")
    data = pa.array([b"\xff\xfe", b"land", b"sea"], pa.binary()).cast(pa.string(), safe=False)
    write_again(toy / DATA, table.set_column(place, table.schema.field("category"), data))
    rehash(toy)
    told = findings(toy)
    assert f"{DATA}: rows 0 to 2 cannot be read" in told[0]


def test_numbers_that_are_not_finite(toy: Path) -> None:
    for path in (toy / "data").iterdir():
        table = pq.read_table(path)
        place = table.schema.get_field_index("licence")
        values = pa.array([float("nan")] * len(table), pa.float64())
        field = pa.field("licence", pa.float64())
        write_again(path, table.set_column(place, field, values))
    rehash(toy)
    assert f"{DATA}: row 0: a number in it is not finite" in findings(toy)
