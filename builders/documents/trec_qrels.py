"""`trec/SPLIT.qrels`: which video is relevant to which caption, as trec_eval reads it."""

from pathlib import Path
from typing import Final

from builders.engine.assemble import caption_id
from builders.engine.rows import Rows
from dvtr_bench.dataset.schema import SPLITS
from dvtr_bench.dataset.trec_ids import encode_id

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
