"""The page of a batch: one HTML file that shows pairs, takes answers and saves them as a file."""

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from PIL import Image

from dvtr_bench.reports.kept_clips import KeptSplit, licence_of
from dvtr_bench.reports.thumbnails import may_be_shown
from leaderboard.judging.pool import Pair, Pool
from leaderboard.site.script_files import json_text

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames

Pictures: TypeAlias = Literal["licensed", "all", "none"]
"""Whether pages hold pictures: where the licence lets them be shown, always, or never."""

_FRAMES: Final = 6
_SIZE_PX: Final = (320, 320)
_QUALITY: Final = 80

_PRIVATE: Final = (
    "The licence of these clips does not let their frames be shown to others: keep this page to "
    "yourself, and delete it when you are done."
)


def batch_page(
    pool: Pool,
    number: int,
    split: "RetrievalSplit | KeptSplit",
    pictures: Pictures = "licensed",
) -> str:
    """Make the page of a batch.

    Args:
        pool: The pool.
        number: Of the batch, from 1.
        split: The split, for the frames of its clips.
        pictures: Whether the page holds pictures.

    Returns:
        HTML without anything from elsewhere. It says neither who proposed a pair nor at which rank.
    """
    licence = split.licence if isinstance(split, KeptSplit) else licence_of(split)
    is_licensed = may_be_shown(licence)
    shows = split.has_frames and (pictures == "all" or (pictures == "licensed" and is_licensed))
    pairs = pool.batch(number)
    place_of = {
        video: place for place, video in enumerate(dict.fromkeys(p.video_id for p in pairs))
    }
    rows = {video: row for row, video in enumerate(split.video_ids)}
    clips = [
        {"id": video, "pictures": _addresses(split.frames(rows[video])) if shows else []}
        for video in place_of
    ]
    return _page(
        {
            "pool": pool.facts.fingerprint,
            "number": number,
            "batches": pool.num_batches,
            "title": pool.facts.dataset.title,
            "about": _PRIVATE if shows and not is_licensed else "",
            "pairs": [_shown(pair, place_of) for pair in pairs],
            "clips": clips,
        }
    )


def _shown(pair: Pair, place_of: Mapping[str, int]) -> dict[str, Any]:
    return {"id": pair.pair, "caption": pair.caption, "clip": place_of[pair.video_id]}


def _page(batch: Mapping[str, Any]) -> str:
    script = "\n".join(
        (
            "",
            _text("leaderboard.site", "dom.js"),
            f"dvtr.batch = {json_text(batch)};",
            _text("leaderboard.judging", "judge.js"),
        )
    )
    style = "\n" + _text("leaderboard.judging", "judge.css")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:"
    )
    page = _text("leaderboard.judging", "judge.html")
    for name, text in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script)):
        page = page.replace(name, text, 1)
    return page


def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath("page", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"sha256-{digest}"


def _addresses(frames: "Frames") -> list[str]:
    """Return frames spread evenly over a clip, as pictures inside the page."""
    count = min(_FRAMES, len(frames))
    rows = [round(number * (len(frames) - 1) / max(1, count - 1)) for number in range(count)]
    return [_address(Image.fromarray(frames[row])) for row in rows]


def _address(image: Image.Image) -> str:
    image.thumbnail(_SIZE_PX)
    stream = BytesIO()
    image.save(stream, format="JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
