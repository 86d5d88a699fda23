"""One row of a split: a video with its captions."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.dataset.parquet_split import DatasetSplit

FRAMES_SHOWN: Final = 4
"""Number of frames shown in a notebook."""


@dataclass(frozen=True, eq=False, repr=False)
class Video:
    """A video of a split with its captions; frames are read on first use.

    Attributes:
        split: The split of the video.
        row: Row in the split, from 0; also the column in a sim_matrix.
        video_id: Its id, verbatim.
        category: Its category, or None.
        captions: Its captions, verbatim, in source order.
    """

    split: "DatasetSplit"
    row: int
    video_id: str
    category: str | None
    captions: tuple[str, ...]

    @property
    def frames(self) -> "list[NDArray[np.uint8]]":
        """Its stored frames: RGB uint8 arrays, height x width x 3 each, in time order."""
        return self.split.frames(self.row)

    @property
    def columns(self) -> Mapping[str, Any]:
        """All columns of its row except the frames, with the dataset's extra columns."""
        return self.split.row(self.row)

    def __repr__(self) -> str:
        """Show its row, id, category and the start of its first caption."""
        from dvtr_bench.reports.others_text import one_line

        category = "" if self.category is None else f", category {one_line(self.category, 30)!r}"
        first = f", {one_line(self.captions[0])!r}" if self.captions else ""
        count = len(self.captions)
        return (
            f"Video({self.split.dataset_name} {self.split.name}[{self.row}], "
            f"{one_line(self.video_id)!r}{category}, {count_of(count, 'caption')}{first})"
        )

    def _repr_html_(self) -> str:
        from dvtr_bench.reports.html_table import html_table
        from dvtr_bench.reports.others_text import safe_html

        return (
            html_table(
                ["", self.video_id],
                [[str(number), text] for number, text in enumerate(self.captions)],
                text_columns=2,
            )
            + "<div>"
            + "".join(
                f'<img src="data:image/{_image_type(data)};base64,'
                f'{base64.b64encode(data).decode()}" '
                f'alt="{safe_html(self.video_id)}" style="height:112px;display:inline-block">'
                for data in self._frames_shown()
            )
            + "</div>"
        )

    def _frames_shown(self) -> list[bytes]:
        if not self.split.has_frames:
            return []
        stored = self.split.encoded_frames(self.row)
        count = min(FRAMES_SHOWN, len(stored))
        return [stored[number * len(stored) // count] for number in range(count)]


def _image_type(data: bytes) -> str:
    return "png" if data.startswith(b"\x89PNG") else "jpeg"
