"""Search results, shown in a notebook, in the terminal or as a picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.reports.html_table import html_table
from dvtr_bench.reports.others_text import one_line
from dvtr_bench.runtime.terminal import count_of
from dvtr_bench.searching.report import (
    caption_rows,
    clip_rows,
    draw_captions,
    draw_clips,
    print_captions,
    print_clips,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.searching.searches import FoundCaption, FoundClip


@dataclass(frozen=True, eq=False, repr=False)
class FoundClips:
    """The clips found for a text, best first: a sequence.

    Attributes:
        text: The searched text.
        clips: Best first.
        split: The searched split.
        where: Dataset, split and model, for titles.
    """

    text: str
    clips: "tuple[FoundClip, ...]"
    split: "RetrievalSplit"
    where: str

    @property
    def title(self) -> str:
        """Heading of the table and of the contact sheet."""
        return (
            f"The best {len(self.clips)} of {count_of(len(self.split.video_ids), 'clip')} of "
            f"{self.where}"
        )

    def to_frame(self) -> "pd.DataFrame":
        """Return the clips as a table: rank, score, row, video_id, category, captions."""
        import pandas as pd

        return pd.DataFrame([vars(clip) for clip in self.clips])

    def print(self) -> None:
        """Print the clips as a table."""
        print_clips(self.clips, self.title)

    def draw(self, path: str | Path) -> Path:
        """Draw the clips as a contact sheet.

        Args:
            path: The PNG to write.

        Returns:
            The path written.
        """
        return draw_clips(self.clips, self.split, self.text, self.title, Path(path))

    def __len__(self) -> int:
        """Return how many were found."""
        return len(self.clips)

    def __getitem__(self, place: int) -> "FoundClip":
        """Return one clip, the best at 0."""
        return self.clips[place]

    def __iter__(self) -> "Iterator[FoundClip]":
        """Yield the clips, best first."""
        return iter(self.clips)

    def __repr__(self) -> str:
        """Show the text, where it was searched, and the best clip."""
        best = f", best {one_line(self.clips[0].video_id)!r}" if self.clips else ""
        return (
            f"FoundClips({one_line(self.text)!r} in {self.where}: "
            f"{count_of(len(self), 'clip')}{best})"
        )

    def _repr_html_(self) -> str:
        return html_table(
            *clip_rows(self.clips), title=f"{self.text}. {self.title}", text_columns=9
        )


@dataclass(frozen=True, eq=False, repr=False)
class FoundCaptions:
    """The captions found for a clip, best first: a sequence.

    Attributes:
        clip_name: File name of the clip.
        frames: Its frames, as the dataset stores them.
        captions: Best first.
        split: The searched split.
        where: Dataset, split and model, for titles.
    """

    clip_name: str
    frames: "Frames"
    captions: "tuple[FoundCaption, ...]"
    split: "RetrievalSplit"
    where: str

    @property
    def title(self) -> str:
        """Heading of the table."""
        return (
            f"The best {count_of(len(self.captions), 'caption')} for {self.clip_name} in "
            f"{self.where}"
        )

    def to_frame(self) -> "pd.DataFrame":
        """Return the captions as a table: rank, score, caption, rows, video_ids, categories."""
        import pandas as pd

        return pd.DataFrame([vars(caption) for caption in self.captions])

    def print(self) -> None:
        """Print the captions as a table."""
        print_captions(self.captions, self.title)

    def draw(self, path: str | Path) -> Path:
        """Draw the clip, and below it each caption with the clips that have it.

        Args:
            path: The PNG to write.

        Returns:
            The path written.
        """
        return draw_captions(
            self.captions, self.split, self.frames, self.clip_name, self.where, Path(path)
        )

    def __len__(self) -> int:
        """Return how many were found."""
        return len(self.captions)

    def __getitem__(self, place: int) -> "FoundCaption":
        """Return one caption, the best at 0."""
        return self.captions[place]

    def __iter__(self) -> "Iterator[FoundCaption]":
        """Yield the captions, best first."""
        return iter(self.captions)

    def __repr__(self) -> str:
        """Show the clip, where it was searched, and the best caption."""
        best = f", best {one_line(self.captions[0].caption)!r}" if self.captions else ""
        name = one_line(self.clip_name)
        return f"FoundCaptions({name!r} in {self.where}: {count_of(len(self), 'caption')}{best})"

    def _repr_html_(self) -> str:
        return html_table(*caption_rows(self.captions), title=self.title, text_columns=9)
