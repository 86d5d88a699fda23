"""Writes small annotation files of exactly the form in which those of the datasets are published.

USRD and UMCRD: ``raw-captions.pkl`` and three lists that end without a line end; CapERA: one JSON
file a split, in which ids repeat. MSR-VTT and MSVD: the forms are those of CLIP4Clip's release
v0.0 (`msrvtt_data.zip`, `msvd_data.zip`): the columns `key,vid_key,video_id,sentence` of the 1k-A
test list, the one column of the train lists, the keys of `videos` and `sentences`, and a pickled
dict of lists of words.
"""

import json
import pickle
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

USRD = {
    "train": ("Baseball_008 1", "Baseball_010 1", "Fire_001 1", "Fire_001 ", "Police_Chase_002 "),
    "val": ("Baseball_010 ", "Fire_003 1"),
    "test": ("Flood_001 1", "Flood_001 ", "Harvesting_030 ", "Boating_002 1", "Party_007 "),
}
"""Ids end in ' 1' for a clip of ERA's Tra folder, in ' ' for one of its Test folder."""

UMCRD = {
    "train": ("church_1222", "Video_12", "Fire_7", "backetball_3"),
    "val": ("Video_291", "road_15"),
    "test": ("port_1", "Cycling_2", "Video_40", "denseresidential_5", "railway_9"),
}

CAPERA = {
    "train": ("Baseball_001.mp4", "Baseball_008.mp4", "Baseball_010.mp4", "Fire_001.mp4"),
    "test": ("Baseball_001.mp4", "Baseball_010.mp4", "Fire_001.mp4"),
}


def write_listed(folder: Path, ids: Mapping[str, Sequence[str]]) -> None:
    """Write ``raw-captions.pkl`` and the lists of USRD or UMCRD; one caption is empty."""
    folder.mkdir(parents=True)
    captions = {}
    for name, listed in ids.items():
        (folder / f"{name}_list.txt").write_text("\n".join(listed))
        for place, video_id in enumerate(listed):
            scene = video_id.partition("_")[0].lower()
            captions[video_id] = [
                ["a", scene, "seen", "from", "above"],
                ["", "number", str(place), "in", name],
                ["the", "drone", "hovers", "over", "a", scene],
            ]
    captions["Video_291" if "Video_291" in captions else "Fire_003 1"][2] = []
    (folder / "raw-captions.pkl").write_bytes(pickle.dumps(captions, protocol=2))


def write_capera(folder: Path, ids: Mapping[str, Sequence[str]]) -> None:
    """Write the JSON file of each split of CapERA."""
    folder.mkdir(parents=True)
    for split, names in ids.items():
        entries = [
            {
                "video_id": name,
                "annotation": {
                    "English_caption": [f"{name} of {split}, caption {n}" for n in range(5)]
                },
            }
            for name in names
        ]
        path = folder / f"CapERA_DATASET_{split}.json"
        path.write_text(json.dumps({"ERA_caption": entries}), encoding="utf-8")


def msrvtt_json(numbers: Iterable[int], captions_per_video: int = 20) -> dict[str, object]:
    """Return the JSON of some videos, sentences in no order of the videos."""
    numbers = list(numbers)
    videos = [
        {
            "category": number % 20,
            "url": f"https://www.youtube.com/watch?v=source{number // 2}",
            "video_id": f"video{number}",
            "start time": 1.5 * number,
            "end time": 1.5 * number + 10.25,
            "split": "train" if number < 6513 else "validate" if number < 7010 else "test",
            "id": number,
        }
        for number in numbers
    ]
    sentences = [
        {
            "caption": f"caption {place} of clip {number}",
            "video_id": f"video{number}",
            "sen_id": place * len(numbers) + index,
        }
        for place in range(captions_per_video)
        for index, number in enumerate(reversed(numbers))
    ]
    info = {"contributor": "Microsoft MSM group", "version": "1.0", "year": "2016"}
    return {"info": info, "videos": videos, "sentences": sentences}


def coco_json(numbers: Iterable[int], captions_per_video: int = 20) -> dict[str, object]:
    """Return the same captions as Frozen in Time's ``MSR_VTT.json`` has them."""
    content = msrvtt_json(numbers, captions_per_video)
    videos, sentences = content["videos"], content["sentences"]
    assert isinstance(videos, list)
    assert isinstance(sentences, list)
    return {
        "info": content["info"],
        "images": [{"id": video["video_id"]} for video in videos],
        "annotations": [
            {"image_id": entry["video_id"], "caption": entry["caption"], "id": place}
            for place, entry in enumerate(sentences)
        ],
    }


def write_msrvtt(
    folder: Path, train: Sequence[int], test: Sequence[int], captions_per_video: int = 20
) -> Path:
    """Write the three files of the 1k-A split."""
    folder.mkdir(parents=True, exist_ok=True)
    content = msrvtt_json([*train, *test], captions_per_video)
    (folder / "MSRVTT_data.json").write_text(json.dumps(content))
    lines = [f"video{number}" for number in train]
    (folder / "MSRVTT_train.9k.csv").write_text("\n".join(["video_id", *lines]) + "\n")
    rows = [
        f"ret{place},msr{number},video{number},caption 3 of clip {number}"
        for place, number in enumerate(test)
    ]
    header = "key,vid_key,video_id,sentence"
    (folder / "MSRVTT_JSFUSION_test.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def msvd_captions(video_ids: Iterable[str]) -> dict[str, list[list[str]]]:
    """Return captions as lists of words; one has the empty word that the published file has."""
    return {
        video_id: [
            ["a", "", "squirrel", "eats", f"nut{number}"],
            ["nothing", "on", "video"],
            *(["caption", str(place), "of", video_id] for place in range(number % 3)),
        ]
        for number, video_id in enumerate(video_ids)
    }


def write_msvd(folder: Path, sizes: tuple[int, int, int], captions: object = None) -> Path:
    """Write ``raw-captions.pkl`` and the three lists, which end without a line end."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"-4wsuPC_Bc{number}_{number}_{number + 9}" for number in range(sum(sizes))]
    start = 0
    for name, size in zip(("train", "val", "test"), sizes, strict=True):
        (folder / f"{name}_list.txt").write_text("\n".join(names[start : start + size]))
        start += size
    content = msvd_captions(names) if captions is None else captions
    (folder / "raw-captions.pkl").write_bytes(pickle.dumps(content, protocol=2))
    return folder


def write_zip(path: Path, folder: Path, inside: str) -> Path:
    """Pack a folder as the release does: below one folder, with what macOS adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{inside}/{file.name}")
            archive.writestr(f"__MACOSX/{inside}/._{file.name}", b"resource fork")
    return path


def write_didemo(folder: Path, sizes: tuple[int, int, int]) -> Path:
    """Write the three JSON files as the repository LisaAnne/LocalizingMoments has them.

    Each video has three descriptions; four annotators marked the moment of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    for name, size in zip(("train", "val", "test"), sizes, strict=True):
        entries = [
            {
                "annotation_id": 10 * number + place,
                "description": f"description {place} of {number}",
                "dl_link": "https://www.flickr.com/video_download.gne?id=1",
                "num_segments": 6,
                "times": times,
                "video": f"{number}@N02_13482799053_87ef417396.mov",
            }
            for number in range(start, start + size)
            for place, times in enumerate(
                (
                    [[0, 0], [0, 0], [0, 1], [0, 0]],
                    [[3, 3], [2, 3], [2, 3], [3, 3]],
                    [[0, 0], [0, 0], [0, 0], [5, 5]],
                )
            )
        ]
        (folder / f"{name}_data.json").write_text(json.dumps(entries))
        start += size
    return folder


def write_activitynet(folder: Path, sizes: tuple[int, int]) -> Path:
    """Write ``train.json`` and ``val_1.json`` as ``captions.zip`` has them; texts have blanks."""
    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    for name, size in zip(("train", "val_1"), sizes, strict=True):
        videos = {
            f"v_uqiMw7tQ1_{number}": {
                "duration": 55.15,
                "timestamps": [[0, 1.5], [0.28, 55.15], [0, 1.5]],
                "sentences": [
                    f"A weight lifting tutorial is given {number}.",
                    "  The coach helps the guy.",
                    " He stands up.",
                ],
            }
            for number in range(start, start + size)
        }
        (folder / f"{name}.json").write_text(json.dumps(videos))
        start += size
    return folder


def lsmdc_id(number: int) -> str:
    return f"{1000 + number // 3}_American_Beauty_00.00.{number:02}.926-00.00.54.129"


def write_lsmdc(folder: Path, sizes: tuple[int, int, int]) -> Path:
    """Write the three lists, six cells between tabs; every third train clip has two lines."""
    folder.mkdir(parents=True, exist_ok=True)
    files = ("annos_training", "annos_val", "challenge_1000_publictect")
    start = 0
    for name, size in zip(files, sizes, strict=True):
        lines = []
        for number in range(start, start + size):
            times = "00:00:51.926\t00:00:54.129\t00:00:51.426\t00:00:54.629"
            lines.append(f"{lsmdc_id(number)}\t{times}\tSomeone nods {number}.")
            if name == "annos_training" and number % 3 == 0:
                lines.append(f'{lsmdc_id(number)}\t{times}\tThen leaves, "slowly".')
        (folder / f"LSMDC16_{name}.csv").write_text("\r\n".join([*lines, ""]))
        start += size
    return folder


def vatex_id(number: int) -> str:
    return f"G9zN5TT_-{number}_{number % 9:06}_{number % 9 + 2:06}"


def write_vatex(folder: Path, sizes: tuple[int, int, int]) -> Path:
    """Write the training, validation and public test JSON: ten captions a video."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("training_v1.0", "validation_v1.0", "public_test_english_v1.1")
    start = 0
    for name, size in zip(names, sizes, strict=True):
        entries = [
            {
                "videoID": vatex_id(number),
                "enCap": [f"caption {place} of {number}" for place in range(10)],
                "chCap": ["\u4e00\u4e2a\u4eba"],
            }
            for number in range(start, start + size)
        ]
        (folder / f"vatex_{name}.json").write_text(json.dumps(entries))
        start += size
    return folder


def write_geotext(folder: Path, buildings: tuple[int, int], pictures: int = 2) -> Path:
    """Write ``train.json`` (one caption an entry, with boxes) and ``test_951_version.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    train = [
        {
            "image_id": f"{building:04}/image-{number:02}.jpeg",
            "image": f"train/{building:04}/image-{number:02}.jpeg",
            "caption": f"Caption {place} of picture {number} of building {building}.",
            "sentences": [f"a roof {place}", "a street", None],
            "bboxes": [[0.25, 0.5, 0.5, 1.0], [0.9, 0.9, 0.4, 0.2], None],
        }
        for building in range(buildings[0])
        for number in range(pictures)
        for place in range(3)
    ]
    test = [
        {
            "image_id": f"{building:04}/image-{number:02}.jpeg",
            "image": f"test/query(701)/{building:04}/image-{number:02}.jpeg",
            "caption": [f"Caption {place} of {number} of {building}." for place in range(3)],
        }
        for building in range(buildings[0], sum(buildings))
        for number in range(pictures)
    ]
    (folder / "train.json").write_text(json.dumps(train))
    (folder / "test_951_version.json").write_text(json.dumps(test))
    return folder
