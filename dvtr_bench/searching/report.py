"""Search results as a table in the terminal and as a contact sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from dvtr_bench.reports.contact_sheet import Row, Tile, save_contact_sheet
from dvtr_bench.reports.others_text import make_console, plain_table
from dvtr_bench.runtime.terminal import count_of, printable

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.searching.searches import FoundCaption, FoundClip

TILES_A_ROW: Final = 5
CLIPS_OF_A_CAPTION: Final = 3


def clip_rows(clips: "Sequence[FoundClip]") -> tuple[list[str], list[list[str]]]:
    """Return the clips found for a text as table rows.

    Args:
        clips: Best first.

    Returns:
        Headings and rows.
    """
    with_category = any(clip.category is not None for clip in clips)
    headings = ["rank", "score", "video id", *(["category"] if with_category else []), "caption"]
    rows = []
    for clip in clips:
        category = [clip.category or ""] if with_category else []
        more = f" (and {len(clip.captions) - 1} more)" if len(clip.captions) > 1 else ""
        first = clip.captions[0] + more if clip.captions else ""
        rows.append([str(clip.rank), f"{clip.score:.3f}", clip.video_id, *category, first])
    return headings, rows


def caption_rows(captions: "Sequence[FoundCaption]") -> tuple[list[str], list[list[str]]]:
    """Return the captions found for a clip as table rows.

    Args:
        captions: Best first.

    Returns:
        Headings and rows.
    """
    with_category = any(category for caption in captions for category in caption.categories)
    headings = ["rank", "score", "caption", "of video", *(["category"] if with_category else [])]
    rows = []
    for caption in captions:
        category = [caption.categories[0] or ""] if with_category else []
        video_id = _first_of(caption.video_ids)
        rows.append(
            [str(caption.rank), f"{caption.score:.3f}", caption.caption, video_id, *category]
        )
    return headings, rows


def print_clips(clips: "Sequence[FoundClip]", title: str, console: Console | None = None) -> None:
    """Print the clips found for a text.

    Args:
        clips: Best first.
        title: What was searched.
        console: Where to; standard output when left out.
    """
    _print_table(*clip_rows(clips), title, console)


def print_captions(
    captions: "Sequence[FoundCaption]", title: str, console: Console | None = None
) -> None:
    """Print the captions found for a clip.

    Args:
        captions: Best first.
        title: What was searched.
        console: Where to; standard output when left out.
    """
    _print_table(*caption_rows(captions), title, console)


def draw_clips(
    clips: "Sequence[FoundClip]", split: "RetrievalSplit", text: str, title: str, path: Path
) -> Path:
    """Draw the clips found for a text, five per row.

    Args:
        clips: Best first.
        split: The split, with frames.
        text: What was searched for.
        title: The sheet's heading.
        path: The PNG to write.

    Returns:
        The path written.
    """
    rows = []
    for start in range(0, len(clips), TILES_A_ROW):
        run = clips[start : start + TILES_A_ROW]
        tiles = [
            Tile(split.frames(clip.row), f"{clip.rank} · {clip.score:.3f} · {clip.video_id}")
            for clip in run
        ]
        ranks = f"ranks {run[0].rank} to {run[-1].rank}"
        rows.append(Row("" if start else text, ranks, tiles))
    return save_contact_sheet(title, rows, path)


def draw_captions(
    captions: "Sequence[FoundCaption]",
    split: "RetrievalSplit",
    clip: "Frames",
    clip_name: str,
    where: str,
    path: Path,
) -> Path:
    """Draw a clip, and below it the captions found for it, each with the clips that have it.

    Args:
        captions: Best first.
        split: The split, with frames.
        clip: The frames that were searched with.
        clip_name: Its file name.
        where: What was searched, by which model.
        path: The PNG to write.

    Returns:
        The path written.
    """
    rows = [Row(clip_name, f"its captions in {where}", [Tile(clip, "your clip")])]
    for caption in captions:
        shared = f", {count_of(len(caption.rows), 'clip')} have it" if len(caption.rows) > 1 else ""
        tiles = [
            Tile(split.frames(row), video_id)
            for row, video_id in zip(
                caption.rows[:CLIPS_OF_A_CAPTION],
                caption.video_ids[:CLIPS_OF_A_CAPTION],
                strict=True,
            )
        ]
        note = f"score {caption.score:.3f}{shared}"
        rows.append(Row(f"{caption.rank}. {caption.caption}", note, tiles))
    return save_contact_sheet(f"The best {count_of(len(captions), 'caption')}", rows, path)


def _print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], title: str, console: Console | None
) -> None:
    console = console or make_console()
    console.print(_shown(title), style="bold")
    table = plain_table(*headings)
    for column in table.columns[:2]:
        column.justify, column.no_wrap = "right", True
    for row in rows:
        table.add_row(*(_shown(cell) for cell in row))
    console.print(table)


def _first_of(video_ids: Sequence[str]) -> str:
    more = f" (and {len(video_ids) - 1} more)" if len(video_ids) > 1 else ""
    return video_ids[0] + more


def _shown(text: str) -> Text:
    # Captions and ids come from outside: show markup and control characters, do not obey them.
    return Text(printable(text))
