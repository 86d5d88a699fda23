"""The texts of a dataset, written beside its Parquet files."""

from pathlib import Path

from builders.documents.card import CARD_NAME, make_card
from builders.documents.croissant import CROISSANT_NAME, make_croissant
from builders.documents.report import REPORT_NAME, BuildReport
from builders.documents.trec_qrels import write_trec_qrels
from builders.engine.assemble import Assembled
from builders.engine.rows import Rows
from dvtr_bench.dataset.manifest import MANIFEST_NAME


def write_texts(output: Path, rows: Rows, assembled: Assembled, report: BuildReport) -> None:
    """Write everything that is not Parquet.

    Args:
        output: The folder that holds the Parquet files.
        rows: The rows.
        assembled: The files.
        report: What was found.
    """
    write_trec_qrels(output, rows)
    for name, text in (
        (MANIFEST_NAME, assembled.manifest.to_text()),
        (REPORT_NAME, report.to_text()),
        (CARD_NAME, make_card(rows, assembled, report)),
        (CROISSANT_NAME, make_croissant(rows, assembled)),
    ):
        (output / name).write_text(text, encoding="utf-8", newline="\n")
