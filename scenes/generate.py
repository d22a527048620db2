"""Write the data set: pictures, captions with a little dirt, splits, facts, defects."""

import csv
import multiprocessing
import os
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from scenes import truth, world
from scenes.compose import draw_scene, sample_scene
from scenes.facts import facts_of, is_sound
from scenes.files import whole_file, write_json
from scenes.sentences import write_captions

SMALLEST = 80
SHARES = {"dev": 0.075, "test": 0.1, "novel": 0.075}
# Planted defects in 1,600 pictures; fewer pictures have fewer, at least one of each.
DEFECTS = {"duplicate": 2, "truncated": 2, "missing": 2, "empty": 3, "characters": 20}
JPEG_QUALITY = 92


def make_scene(
    seed: int, index: int, novel: str | None = None
) -> tuple[np.ndarray, list[str], dict]:
    """Draw one scene with its captions and facts.

    Args:
        seed, index: The scene's own random numbers come from this pair, whoever draws it.
        novel: Name of a combination in `world.NOVEL`, or None.

    Returns:
        Picture (uint8 [224, 224, 3], RGB), five captions, facts.
    """
    rng = np.random.default_rng((seed, index))
    while True:
        scene = sample_scene(rng, novel)
        picture, layout = draw_scene(scene, rng)
        if is_sound(layout):
            break
    facts = facts_of(scene, layout)
    captions = write_captions(facts, rng)
    said = [truth.mentioned(caption) for caption in captions]
    goal = truth.expected(facts)
    facts["named"] = {
        kind: sum(bool(values.get(kind, set()) & goal[kind]) for values in said)
        for kind in truth.KINDS
    }
    return picture, captions, facts


def generate_scenes(folder: str | Path, count: int = 1600, seed: int = 7) -> None:
    """Draw the data set `scenes` into a folder.

    Writes Images/scene_0001.jpg and so on (`count` sound pictures, then the planted copies and
    truncated files), captions.txt (image,caption; five rows a picture and the planted dirt),
    facts.json (image -> facts), defects.json (list of kind, image, detail) and, last of all,
    splits.csv (image,split with train, dev, test, novel): a folder without it is half made.
    The same seed and count give the same files, byte for byte.

    Args:
        folder: Where to write; made if missing.
        count: Number of sound pictures, at least 80.
        seed: Seed of everything.

    Raises:
        ValueError: `count` is too small for the splits and defects.

    Taught in notebook 01.
    """
    if count < SMALLEST:
        raise ValueError(f"generate_scenes needs count >= {SMALLEST}, not {count}.")
    folder = Path(folder)
    (folder / "Images").mkdir(parents=True, exist_ok=True)
    (folder / "splits.csv").unlink(missing_ok=True)
    for old in [*(folder / "Images").glob("scene_*.jpg"), *folder.glob("**/.*.tmp.*")]:
        old.unlink(missing_ok=True)  # a drawing that was killed leaves temporary files, too
    rng = np.random.default_rng((seed, 0))
    splits = _splits(count, rng)
    amounts = {kind: max(1, round(n * count / 1600)) for kind, n in DEFECTS.items()}
    extra = amounts["truncated"]
    combinations = list(world.NOVEL)
    novel = iter(range(count))
    jobs = []
    for index in range(1, count + extra + 1):
        shows = None
        if splits.get(index) == "novel":
            shows = combinations[next(novel) % len(combinations)]
        jobs.append((str(folder), seed, index, shows))
    captions, facts = {}, {}
    for index, lines, known in tqdm(
        _run(jobs), total=len(jobs), desc="drawing scenes", unit="picture", file=sys.stdout
    ):
        captions[_name(index)], facts[_name(index)] = lines, known
    captions, facts = (dict(sorted(table.items())) for table in (captions, facts))
    splits = {_name(index): split for index, split in splits.items()}
    defects, rows = _plant(folder, captions, facts, splits, amounts, count, rng)
    _write_table(folder / "captions.txt", ("image", "caption"), rows)
    write_json(folder / "facts.json", facts)
    write_json(folder / "defects.json", defects)
    _write_table(folder / "splits.csv", ("image", "split"), sorted(splits.items()))


def _name(index):
    return f"scene_{index:04d}.jpg"


def _splits(count, rng):
    """Return picture number -> split."""
    sizes = {split: max(1, round(share * count)) for split, share in SHARES.items()}
    names = [split for split, size in sizes.items() for _ in range(size)]
    names += ["train"] * (count - len(names))
    order = rng.permutation(count) + 1
    return {int(index): split for index, split in zip(order, names, strict=True)}


def _run(jobs):
    """Yield the results of all jobs; many jobs are shared out among processes."""
    workers = min(os.cpu_count() or 1, 8)
    if workers == 1 or len(jobs) < 200:
        yield from map(_draw_and_save, jobs)
        return
    # Spawned, not forked: a forked copy of a process that runs TensorFlow can hang.
    with multiprocessing.get_context("spawn").Pool(workers, cv2.setNumThreads, (1,)) as pool:
        yield from pool.imap_unordered(_draw_and_save, jobs, chunksize=16)


def _draw_and_save(job):
    """Draw one scene and save its picture; return its number, captions and facts."""
    folder, seed, index, novel = job
    picture, captions, facts = make_scene(seed, index, novel)
    with whole_file(Path(folder) / "Images" / _name(index)) as temporary:
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        # Not `imwrite`, which says nothing on a full disk.
        temporary.write_bytes(cv2.imencode(".jpg", picture[..., ::-1], options)[1])
    return index, captions, facts


def _write_table(path, header, rows):
    """Write a CSV file, atomically."""
    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _plant(folder, captions, facts, splits, amounts, count, rng):
    """Plant the defects; return their list and the rows of captions.txt."""
    defects = []
    sound = list(captions)[:count]
    rows = {image: [(image, line) for line in lines] for image, lines in captions.items()}
    for image in list(captions)[count:]:
        _truncate(folder / "Images" / image)
        splits[image] = "train"
        defects.append({"kind": "truncated", "image": image, "detail": "the file ends too early"})
    number = len(captions)
    # The first copy repeats a training picture, the second one a test picture: a leak.
    for split in ("train", "test", "train", "train")[: amounts["duplicate"]]:
        number += 1
        original, copy = str(rng.choice([i for i in sound if splits[i] == split])), _name(number)
        shutil.copyfile(folder / "Images" / original, folder / "Images" / copy)
        rows[copy] = [(copy, line) for _, line in rows[original]]
        facts[copy], splits[copy] = facts[original], "train"
        defects.append({"kind": "duplicate", "image": copy, "detail": f"a copy of {original}"})
    for image in rng.choice(sound, amounts["empty"], replace=False):
        rows[str(image)].insert(int(rng.integers(6)), (str(image), ""))
        defects.append({"kind": "empty", "image": str(image), "detail": "a sixth, empty caption"})
    train = [image for image in sound if splits[image] == "train"]
    for place, image in enumerate(rng.choice(train, amounts["characters"], replace=False)):
        line = next(i for i, (_, text) in enumerate(rows[str(image)]) if text)
        kind, text = _spoil(rows[str(image)][line][1], place)
        rows[str(image)][line] = (str(image), text)
        defects.append({"kind": "characters", "image": str(image), "detail": kind})
    for _ in range(amounts["missing"]):
        number += 1
        text = captions[str(rng.choice(train))][0]
        rows[_name(number)] = [(_name(number), text)]
        defects.append(
            {"kind": "missing", "image": _name(number), "detail": "there is no such picture"}
        )
    return defects, [row for image in sorted(rows) for row in rows[image]]


def _truncate(path):
    """Cut a file off after 40 percent of its bytes."""
    content = path.read_bytes()
    with whole_file(path) as temporary:
        temporary.write_bytes(content[: int(len(content) * 0.4)])


def _spoil(text, place):
    """Return the kind of odd character planted and the caption with it; the words stay the same."""
    start, middle, end = text.split(" ")[0], text.split(" ")[1:-1], text.split(" ")[-1]
    half = len(middle) // 2
    word = middle[half]
    left, right = [start, *middle[:half]], [*middle[half + 1 :], end]
    choices = (
        ("double space", " ".join(left) + "  " + " ".join([word, *right])),
        ("non-breaking space", " ".join(left) + "\u00a0" + " ".join([word, *right])),
        ("curly quotes", " ".join([*left, f"\u201c{word}\u201d", *right])),
        ("tab", " ".join(left) + "\t" + " ".join([word, *right])),
        ("emoji", f"{text} \U0001f600"),
        ("hash sign", " ".join([*left, f"#{word}", *right])),
    )
    return choices[place % len(choices)]
