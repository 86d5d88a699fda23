"""The dataset card: what the Hub reads of it, and that its examples run."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard, DatasetCardData

from builders.build import build_source
from builders.documents.card import read_info
from builders.documents.report import BuildReport
from builders.engine.settings import BuildSettings
from builders.sources.source import Clip, DatasetInfo, LicenceRecord, Source
from dvtr_bench.dataset.manifest import REPORT_NAME
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.reading.json_records import from_json
from leaderboard.trec_format import read_qrels

INFO = DatasetInfo(
    name="My_drones.v2",
    version="1.1.0+small",
    pretty_name="Drones",
    summary="Three clips.",
    description="Three clips.\n\nSeen from above.",
    licence=LicenceRecord("cc-by-4.0", "CC BY 4.0.", "https://localhost/licence"),
    homepage="https://localhost/drones",
    citation="@misc{a, title={b}}",
    clips_from="https://localhost/clips: name the folder",
    flaws=("The third clip is short.", "Two clips are one."),
    tags=("drone", "uav"),
)
IDS = ("Baseball_008 1", "Baseball_008 ", 'a "quoted"\tid')


def build(root: Path, **info: object) -> BuiltDataset:
    clips = tuple(
        Clip(video_id, (f"caption {number}", "same", "" if number else "."), split)
        for number, (video_id, split) in enumerate(zip(IDS, ("train", "test", "test"), strict=True))
    )
    source = Source(replace(INFO, **info), clips, notes=("There are no validation clips.",))
    return build_source(source, BuildSettings(root, frames=None, progress=False)).dataset


def card_of(built: BuiltDataset) -> DatasetCard:
    return DatasetCard.load(built.folder / "README.md")


def test_the_metadata_are_complete(tmp_path) -> None:
    built = build(tmp_path / "dvtr")
    data = card_of(built).data.to_dict()
    assert DatasetCardData(**data).to_dict() == data
    info = data.pop("dataset_info")
    assert data.pop("configs")[0] == {
        "config_name": "default",
        "default": True,
        "data_files": [
            {"split": split, "path": [f"data/{split}-00000-of-00001.parquet"]}
            for split in ("train", "test")
        ],
    }
    assert data == {
        "language": ["en"],
        "license": "cc-by-4.0",
        "license_link": "https://localhost/licence",
        "pretty_name": "Drones",
        "size_categories": ["n<1K"],
        "task_categories": ["text-retrieval", "text-to-video"],
        "tags": ["video", "dvtr-bench", "drone", "uav"],
    }
    assert [entry["config_name"] for entry in info] == ["default", "captions", "qrels"]
    for entry in info:
        on_disk = load_dataset(str(built.folder), entry["config_name"])
        for split in entry["splits"]:
            assert split["num_examples"] == len(on_disk[split["name"]])
        names = [feature["name"] for feature in entry["features"]]
        assert names == on_disk["train"].column_names


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        (LicenceRecord("unknown", "Nobody says.", None), {"license": "unknown"}),
        (
            LicenceRecord("other", "For research, on request.", "https://localhost/terms"),
            {
                "license": "other",
                "license_name": "my-drones.v2-licence",
                "license_link": "https://localhost/terms",
            },
        ),
    ],
)
def test_a_licence_is_named_as_the_hub_wants_it(licence, said, tmp_path) -> None:
    card = card_of(build(tmp_path / "dvtr", licence=licence))
    data = card.data.to_dict()
    assert {key: value for key, value in data.items() if key.startswith("license")} == said
    assert licence.statement in card.text


def test_the_prose_says_what_a_reader_needs(tmp_path) -> None:
    built = build(tmp_path / "dvtr")
    text = card_of(built).text
    for said in (
        "Three clips.\n\nSeen from above.",
        built.manifest.fingerprint,
        'revision="v1.1.0-small"',
        "Where the clips come from: https://localhost/clips: name the folder.",
        "None: this is an annotations-only build",
        "- The third clip is short.\n- Two clips are one.\n- There are no validation clips.",
        "test: captions of zero words, kept: 2",
        "CC BY 4.0. See https://localhost/licence.",
        "```bibtex\n@misc{a, title={b}}\n```",
    ):
        assert said in text
    assert "| test | 2 | 6 |" in text


def test_the_card_gives_back_what_it_was_made_from(tmp_path) -> None:
    built = build(tmp_path / "dvtr")
    report = from_json(BuildReport, (built.folder / REPORT_NAME).read_bytes(), REPORT_NAME)
    text = (built.folder / "README.md").read_text()
    assert read_info(text, built.manifest, report) == INFO
    with pytest.raises(ValueError, match="not the card"):
        read_info(text.replace(built.manifest.fingerprint, "0" * 64), built.manifest, report)


def test_no_name_steers_a_terminal_that_shows_the_card(tmp_path) -> None:
    built = build(tmp_path / "dvtr", pretty_name="Drones\x1b[31m\u202e", description="a\x07b")
    report = from_json(BuildReport, (built.folder / REPORT_NAME).read_bytes(), REPORT_NAME)
    text = (built.folder / "README.md").read_text("utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert read_info(text, built.manifest, report).description == "a b"


def read_beir(folder: Path, split: str):
    """Read a folder by BEIR's own description of its files."""
    texts = [
        {line["_id"]: line["text"] for line in map(json.loads, path.read_text().splitlines())}
        for path in (folder / "corpus.jsonl", folder / "queries.jsonl")
    ]
    with (folder / "qrels" / f"{split}.tsv").open(newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_MINIMAL)
    assert header == ["query-id", "corpus-id", "score"]
    return *texts, {(query, document): int(score) for query, document, score in rows}


@pytest.fixture
def beir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the card's examples were run."""
    built = build(tmp_path / "dvtr")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", card_of(built).text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(example, {})
    return tmp_path


def test_the_example_writes_what_beir_reads(beir) -> None:
    corpus, queries, qrels = read_beir(beir, "test")
    assert list(corpus) == list(IDS[1:])
    expected = {f"{video_id}#{number}" for video_id in IDS[1:] for number in range(3)}
    assert set(queries) == expected
    assert queries["Baseball_008 #1"] == "same"
    assert queries["Baseball_008 #2"] == ""
    assert qrels == {(f"{video_id}#{n}", video_id): 1 for video_id in IDS[1:] for n in range(3)}


def test_trec_qrels_hold_ids_that_trec_tools_can_read(tmp_path) -> None:
    built = build(tmp_path / "dvtr")
    path = built.folder / "trec" / "test.qrels"
    lines = path.read_text(encoding="ascii").splitlines()
    assert lines[0] == "Baseball_008%20#0 0 Baseball_008%20 1"
    assert all(len(line.split()) == 4 for line in lines)
    assert read_qrels(path) == {
        f"{video_id}#{number}": {video_id: 1} for video_id in IDS[1:] for number in range(3)
    }
