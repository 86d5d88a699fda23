"""Write the text files of a dataset beside its Parquet files."""

from pathlib import Path
from typing import Final

from builders.documents.card import CARD_NAME, make_card
from builders.documents.croissant import CROISSANT_NAME, make_croissant
from builders.documents.report import BuildReport
from builders.engine.assemble import Assembled
from builders.engine.parquet import Rows
from dvtr_bench.dataset.fingerprint import caption_id
from dvtr_bench.dataset.manifest import MANIFEST_NAME, REPORT_NAME, SPLITS
from dvtr_bench.dataset.trec_ids import encode_id


def write_texts(output: Path, rows: Rows, assembled: Assembled, report: BuildReport) -> None:
    """Write all files that are not Parquet.

    Args:
        output: The folder with the Parquet files.
        rows: The rows.
        assembled: The files.
        report: The build report.
    """
    write_trec_qrels(output, rows)
    for name, text in (
        (MANIFEST_NAME, assembled.manifest.to_text()),
        (REPORT_NAME, report.to_text()),
        (CARD_NAME, make_card(rows, assembled, report)),
        (CROISSANT_NAME, make_croissant(rows, assembled)),
    ):
        (output / name).write_text(text, encoding="utf-8", newline="\n")


TREC_FOLDER: Final = "trec"


def write_trec_qrels(output: Path, rows: Rows) -> None:
    """Write the qrels of all splits.

    Args:
        output: The dataset's folder; gets a folder ``trec``.
        rows: The rows.
    """
    folder = output / TREC_FOLDER
    folder.mkdir()
    for split in SPLITS:
        if clips := rows.of_split(split):
            with (folder / f"{split}.qrels").open("w", encoding="ascii", newline="\n") as file:
                for clip in clips:
                    video = encode_id(clip.video_id)
                    for number in range(len(clip.captions)):
                        query = encode_id(caption_id(clip.video_id, number))
                        file.write(f"{query} 0 {video} 1\n")
