"""The code of a task: one Python file for mteb, which needs nothing of dvtr-bench."""

import re
from collections.abc import Mapping
from string import Template
from typing import Any, Final

from builders.mteb_tasks.tables import SPLIT, Pixels
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.dataset.mteb_tasks import (
    QUERY_PROMPTS,
    TASK_TYPE,
    TaskDirection,
    mteb_task_name,
)

_MOST_PAIRS: Final = 5_000_000
"""Most scores that mteb is asked to keep, about 0.5 GB in Python."""

_K_VALUES: Final = (1, 5, 10, 20, 100, 1000)

_LANGUAGES: Final[Mapping[str, str]] = {
    **{"ar": "ara-Arab", "bn": "ben-Beng", "cs": "ces-Latn", "da": "dan-Latn", "de": "deu-Latn"},
    **{"el": "ell-Grek", "en": "eng-Latn", "es": "spa-Latn", "fa": "fas-Arab", "fi": "fin-Latn"},
    **{"fr": "fra-Latn", "he": "heb-Hebr", "hi": "hin-Deva", "hu": "hun-Latn", "id": "ind-Latn"},
    **{"it": "ita-Latn", "ja": "jpn-Jpan", "ko": "kor-Hang", "nl": "nld-Latn", "no": "nor-Latn"},
    **{"pl": "pol-Latn", "pt": "por-Latn", "ro": "ron-Latn", "ru": "rus-Cyrl", "sv": "swe-Latn"},
    **{"th": "tha-Thai", "tr": "tur-Latn", "uk": "ukr-Cyrl", "ur": "urd-Arab", "vi": "vie-Latn"},
    **{"zh": "zho-Hans", "zh-hant": "zho-Hant", "zh-tw": "zho-Hant", "zh-hk": "zho-Hant"},
}
"""mteb's codes (ISO 639-3 with ISO 15924) of the languages that captions are in."""

_UNKNOWN_LANGUAGE: Final = "und-Zyyy"

_LICENCES: Final = frozenset(
    {
        *("mit", "apache-2.0", "bsd-3-clause", "gpl-3.0", "lgpl-3.0", "mpl-2.0", "afl-3.0"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
        *("cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-nd-4.0", "odc-by", "openrail", "eupl-1.2"),
    }
)
"""Licences that mteb 2.26 has names for, of those that the Hub knows."""

_FILE: Final = Template('''\
"""$title

Made by $program. It needs mteb alone:

    import mteb
    from $module import $name

    mteb.evaluate(model, $name(), prediction_folder="predictions")
"""

from pathlib import Path
from typing import Any
$imports
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

# After an upload: the repository's name, and the commit that is evaluated.
PATH = str(Path(__file__).resolve().parent)
REVISION = $revision

$frames
class $name(AbsTaskRetrieval):
    # The last one is the whole corpus where that is small enough, so that the predictions hold
    # every score: `dvtr-bench evaluate --from-mteb` takes those alone.
    k_values = $k_values

    metadata = TaskMetadata(
        name=$name_text,
        description=$description,
        dataset={"path": PATH, "revision": REVISION},
        type=$type,
        category=$category,
        modalities=["text", "video"],
        eval_splits=[$split],
        eval_langs=[$language],
        main_score="hit_rate_at_1",
        reference=$reference,
        license=$licence,
        bibtex_citation=$citation,
        prompt={"query": $prompt},
        task_subtypes=[],
        dialect=[],
    )
$methods''')

_FRAMES_IMPORTS: Final = """from types import SimpleNamespace

import numpy as np
import torch"""

_FRAMES_CLASS: Final = '''
class Frames:
    """The stored frames of a video, in place of a decoder of its file.

    Asked for K frames it gives K evenly spaced ones, whatever numbers were asked for: the dataset
    stores few frames of a clip, and the first of them are its beginning.
    """

    def __init__(self, images: list[Any]) -> None:
        self._images = images
        seconds = 60.0 * len(images)  # stored frames have no rate: one that samples takes all
        self.metadata = SimpleNamespace(
            num_frames=len(images),
            average_fps=1 / 60.0,
            begin_stream_seconds=0.0,
            end_stream_seconds=seconds,
            duration_seconds=seconds,
        )

    def get_frames_at(self, indices: list[int]) -> SimpleNamespace:
        wanted, there = len(indices), len(self._images)
        if wanted == 1:
            chosen = list(indices)
        elif wanted <= there:
            chosen = np.linspace(0, there - 1, num=wanted, dtype=int).tolist()
        else:
            chosen = [place * there // wanted for place in range(wanted)]
        pixels = np.stack([np.asarray(self._images[index].convert("RGB")) for index in chosen])
        return SimpleNamespace(data=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous())


def as_videos(rows: dict[str, Any]) -> dict[str, Any]:
    if "video" in rows:
        rows["video"] = [Frames(images) for images in rows["video"]]
    return rows

'''

_FRAMES_METHOD: Final = Template("""
    def dataset_transform(self, num_proc: int | None = None, **kwargs: Any) -> None:
        for splits in self.dataset.values():
            for split in splits.values():
                split["$videos"] = split["$videos"].with_transform(as_videos)
""")

_SETS_METHOD: Final = '''
    def task_specific_scores(
        self,
        scores: dict[str, dict[str, float]],
        qrels: dict[str, dict[str, int]],
        results: dict[str, dict[str, float]],
        hf_split: str,
        hf_subset: str,
    ) -> dict[str, float]:
        """Rank sets of captions: all captions of a video are one candidate, as good as its best.

        This is how papers on video retrieval count video to text; hit_rate_at_k counts captions.
        """
        owner = {caption: video for video, captions in qrels.items() for caption in captions}
        ranks = []
        for query in qrels:
            best: dict[str, float] = {}
            for caption, score in results.get(query, {}).items():
                video = owner.get(caption)
                if video is not None:
                    best[video] = max(score, best.get(video, float("-inf")))
            own = best.pop(query, None)
            ranks.append(
                float("inf") if own is None else 1 + sum(one >= own for one in best.values())
            )
        return {
            f"caption_set_hit_rate_at_{k}": sum(rank <= k for rank in ranks) / len(ranks)
            for k in (1, 5, 10)
        }
'''


def module_name(dataset: str, direction: TaskDirection) -> str:
    """Return the name of a task's module.

    Args:
        dataset: Name of the dataset.
        direction: Which task.

    Returns:
        Letters, digits and ``_``.

    Example:
        >>> module_name("aerosynth-small", "t2v")
        'aerosynth_small_t2v'
    """
    safe = re.sub("[^A-Za-z0-9]", "_", dataset).lower()
    return f"{safe if safe[:1].isalpha() else f'dataset_{safe}'}_{direction}"


def k_values(num_queries: int, num_candidates: int) -> tuple[int, ...]:
    """Return the depths of a task; the greatest is how many candidates mteb keeps of a query.

    Args:
        num_queries: Queries.
        num_candidates: Candidates of each.

    Returns:
        Ascending depths; all candidates among them where that many scores can be kept.

    Example:
        >>> k_values(20, 12), k_values(60_000, 3_000)[-1]
        ((1, 5, 10, 12, 20, 100, 1000), 1000)
    """
    if num_queries * num_candidates > _MOST_PAIRS:
        return _K_VALUES
    return tuple(sorted({*_K_VALUES, num_candidates}))


def language_code(tag: str) -> str:
    """Return mteb's code of a language.

    Args:
        tag: BCP 47 tag.

    Returns:
        Such as ``eng-Latn``; ``und-Zyyy`` for one that is not in our table.

    Example:
        >>> language_code("en-GB"), language_code("tlh")
        ('eng-Latn', 'und-Zyyy')
    """
    lower = tag.lower()
    return _LANGUAGES.get(lower) or _LANGUAGES.get(lower.partition("-")[0]) or _UNKNOWN_LANGUAGE


def task_source(manifest: Manifest, direction: TaskDirection, pixels: Pixels) -> str:
    """Write the code of a task.

    Args:
        manifest: The dataset.
        direction: Which task.
        pixels: What stands for a video.

    Returns:
        Python source. Texts of others stand in it as literals alone.
    """
    split = manifest.splits[SPLIT]
    sizes = split.num_captions, split.num_videos
    sizes = sizes if direction == "t2v" else sizes[::-1]
    licence = manifest.licence
    of_frames = pixels == "frames"
    methods = "" if direction == "t2v" else _SETS_METHOD
    if of_frames:
        videos = "corpus" if direction == "t2v" else "queries"
        methods = _FRAMES_METHOD.substitute(videos=videos) + methods
    way = "text to video" if direction == "t2v" else "video to text"
    name = mteb_task_name(manifest.name, direction)
    values: dict[str, Any] = {
        "name_text": name,
        "revision": f"{manifest.version}-{manifest.fingerprint[:12]}",
        "description": f"{manifest.summary} Retrieval, {way}.",
        "type": TASK_TYPE,
        "category": direction,
        "split": SPLIT,
        "language": language_code(manifest.language),
        "reference": _address(manifest.homepage),
        "licence": licence.id if licence.id in _LICENCES else _address(licence.link),
        "citation": manifest.citation,
        "prompt": QUERY_PROMPTS[direction],
        "k_values": k_values(*sizes),
    }
    values["licence"] = values["licence"] or "not specified"
    return _FILE.substitute(
        {key: repr(value) for key, value in values.items()},
        name=name,
        module=module_name(manifest.name, direction),
        title=f"The retrieval task {name} for mteb.",
        program=_plain(manifest.built_with),
        imports=_FRAMES_IMPORTS if of_frames else "",
        frames=_FRAMES_CLASS if of_frames else "",
        methods=methods,
    )


def _address(link: str | None) -> str | None:
    """Return a link that mteb takes for an address; None otherwise."""
    is_one = link is not None and link.startswith(("https://", "http://")) and " " not in link
    return link if is_one else None


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter in " .-_")
