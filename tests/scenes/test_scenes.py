"""The embedded data set: what is drawn, what is said of it, and what is planted in it."""

import csv
import hashlib
import json
import re
from collections import Counter, defaultdict

import cv2
import numpy as np
import pytest

from scenes import (
    draw_scene,
    generate_scenes,
    make_scene,
    read_truth,
    sample_scene,
    truth,
    world,
)
from scenes.facts import is_sound

SCENES = 60


@pytest.fixture(scope="module")
def scenes():
    return [make_scene(1234, index) for index in range(SCENES)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenes")
    generate_scenes(path, 80, seed=3)
    return path


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def words_of(text):
    return re.sub(r"[^a-z ]", "", text.lower()).split()


def test_captions_say_nothing_that_the_scene_lacks(scenes):
    for _, captions, facts in scenes:
        true = truth.truths(facts)
        for caption in captions:
            for kind, values in truth.mentioned(caption).items():
                assert values <= true[kind], (caption, kind, values - true[kind])


@pytest.mark.parametrize("kind", ["bicycle", "fish"])
def test_bicycles_and_fish_are_shown_large_and_described_truly(kind):
    seeds = (i for i in range(900) if sample_scene(np.random.default_rng((11, i)))["things"][0]
             ["thing"] == kind)  # fmt: skip
    for index in list(seeds)[:10]:
        _, captions, facts = make_scene(11, index)
        if facts["main"] != kind:  # the first drawing was not sound
            continue
        assert facts["box"][2] - facts["box"][0] > 0.4 * 224
        for caption in captions:
            said = truth.mentioned(caption)
            assert kind in said["main"]
            assert all(values <= truth.truths(facts)[key] for key, values in said.items()), caption


def test_a_bicycle_in_use_is_not_the_main_thing():
    parked = truth.mentioned("A red bike is parked next to a dog in the park.")
    assert parked["main"] == {"bicycle", "dog"} and parked["action"] == {"standing"}
    leaning = truth.mentioned("in the city, a blue bicycle leans against a lamp post")
    assert leaning["main"] == {"bicycle"} and leaning["action"] == {"leaning"}
    assert leaning["relation"] == {"against lamp"}
    for caption in ("a boy on a red bike", "a boy rides a red bike", "riding a red bicycle"):
        said = truth.mentioned(caption)
        assert said["thing"] == {"bicycle"} and "bicycle" not in said.get("main", ())
        assert said["color"] == {"red bicycle"}


def test_captions_are_five_different_sentences_about_the_main_thing(scenes):
    for _, captions, facts in scenes:
        assert len({" ".join(words_of(caption)) for caption in captions}) == 5
        for caption in captions:
            assert 5 <= len(words_of(caption)) <= 18
            assert truth.mentioned(caption)["main"] & truth.expected(facts)["main"]


def test_captions_name_a_color_only_before_the_thing_that_has_it():
    said = truth.mentioned("A man in a red shirt is next to a yellow house by the lake.")
    assert said["color"] == {"red clothes", "yellow house"}
    assert said["relation"] == {"near house"}
    assert said["place"] == {"lake"}
    assert truth.mentioned("two dogs galloping on a rainy day")["weather"] == {"rainy"}


def test_synonyms_map_to_one_value():
    for first, second in (
        ("a puppy sprints", "the dogs are running"),
        ("a lady at dusk", "a woman at sunset"),
    ):
        assert truth.mentioned(first) == truth.mentioned(second)


def test_things_lie_in_the_frame_and_in_sight():
    sound = 0
    for index in range(SCENES):
        rng = np.random.default_rng((77, index))
        scene = sample_scene(rng)
        picture, layout = draw_scene(scene, rng)
        assert picture.shape == (224, 224, 3) and picture.dtype == np.uint8
        assert len(layout) == len(scene["things"])
        if is_sound(layout):
            sound += 1
            assert all(min(item["box"]) >= 0 and max(item["box"]) <= 224 for item in layout)
            assert all(item["visible"] > 0.3 for item in layout)
    assert sound > 0.85 * SCENES  # the others are drawn anew by make_scene


def test_main_thing_is_large(scenes):
    heights = [facts["box"][3] - facts["box"][1] for _, _, facts in scenes]
    assert np.mean(heights) > 0.35 * 224 and min(heights) > 0.2 * 224


def test_novel_combinations_are_only_in_their_split(folder):
    facts = read_truth(folder).facts
    for row in read_rows(folder / "splits.csv"):
        known = facts[row["image"]]
        things = [
            {"thing": known["main"], "color": known["color"], "action": known["action"]},
            *known["things"],
        ]
        assert world.novel_combination(things, known["place"]) == known["novel"]
        assert (known["novel"] is not None) == (row["split"] == "novel")


def test_every_part_of_a_novel_combination_occurs_elsewhere():
    seen = defaultdict(Counter)
    for index in range(900):
        scene = sample_scene(np.random.default_rng((5, index)))
        for thing in scene["things"]:
            for key in ("thing", "color", "action"):
                seen[key][thing[key]] += 1
        seen["place"][scene["place"]] += 1
    for parts in world.NOVEL.values():
        assert all(seen[key][value] > 5 for key, value in parts.items())


@pytest.mark.parametrize("name", list(world.NOVEL))
def test_novel_scene_shows_its_combination(name):
    _, _, facts = make_scene(8, 1, name)
    assert facts["novel"] == name
    for key, value in world.NOVEL[name].items():
        if key == "place":
            assert facts["place"] == value


def test_scene_depends_on_its_seed_and_index_alone():
    first, second = make_scene(5, 41), make_scene(5, 41)
    assert np.array_equal(first[0], second[0]) and first[1:] == second[1:]
    assert not np.array_equal(first[0], make_scene(5, 42)[0])
    assert not np.array_equal(first[0], make_scene(6, 41)[0])


def test_same_seed_writes_the_same_files(folder, tmp_path):
    generate_scenes(tmp_path, 80, seed=3)
    assert digest(tmp_path) == digest(folder)


def test_splits_have_their_sizes(folder):
    facts = read_truth(folder).facts
    splits = {row["image"]: row["split"] for row in read_rows(folder / "splits.csv")}
    assert splits.keys() == facts.keys()
    sound = Counter(split for image, split in splits.items() if int(image[6:10]) <= 80)
    assert sound == {"train": 60, "dev": 6, "test": 8, "novel": 6}


def test_defects_are_the_planted_ones_and_no_others(folder):
    defects = defaultdict(list)
    for item in json.loads((folder / "defects.json").read_text("utf-8")):
        defects[item["kind"]].append(item)
    assert set(defects) == {"duplicate", "truncated", "missing", "empty", "characters"}
    rows = read_rows(folder / "captions.txt")
    files = {path.name: path.read_bytes() for path in (folder / "Images").glob("*.jpg")}
    same = Counter(files.values())
    copies = [name for name in files if same[files[name]] > 1]
    originals = {item["detail"].split()[-1] for item in defects["duplicate"]}
    assert set(copies) == {item["image"] for item in defects["duplicate"]} | originals
    broken = {name for name, content in files.items() if not content.endswith(b"\xff\xd9")}
    assert broken == {item["image"] for item in defects["truncated"]}
    assert {row["image"] for row in rows} - set(files) == {
        item["image"] for item in defects["missing"]
    }
    empty = [row["image"] for row in rows if not row["caption"].strip()]
    assert sorted(empty) == sorted(item["image"] for item in defects["empty"])
    odd = [row["image"] for row in rows if re.search(r"[^A-Za-z ,.!-]|  ", row["caption"])]
    assert sorted(odd) == sorted(item["image"] for item in defects["characters"])
    lines = Counter(row["image"] for row in rows if row["caption"])
    assert all(lines[name] == 5 for name in files)


def test_pictures_are_readable(folder):
    picture = cv2.imread(str(folder / "Images" / "scene_0001.jpg"))
    assert picture.shape == (224, 224, 3)


def test_scores_of_true_and_false_captions():
    facts = {str(index): make_scene(9, index)[2] for index in range(4)}
    captions = {str(index): make_scene(9, index)[1][0] for index in range(4)}
    table = truth.Truth(facts).score(captions)
    assert (table["said"] == table["right"]).all()
    assert table.loc["main", ["precision", "recall"]].tolist() == [100, 100]
    false = truth.Truth(facts).score(dict.fromkeys(facts, "a zebra eats"))
    assert false.loc["main", "recall"] == 0 and false.loc["main", "said"] == 0


def test_confusion_counts_every_picture():
    facts = {str(index): make_scene(9, index)[2] for index in range(4)}
    captions = {image: f"A {known['main']} somewhere." for image, known in facts.items()}
    captions["0"] = "A submarine."
    table = truth.Truth(facts).confusion(captions, "main")
    assert table.to_numpy().sum() == 4 and table["nothing"].sum() == 1
    assert sum(table.loc[kind, kind] for kind in world.MAIN_KINDS) == 3


def test_refuses_too_few_pictures(tmp_path):
    with pytest.raises(ValueError, match="count"):
        generate_scenes(tmp_path, 10)
    with pytest.raises(FileNotFoundError, match="facts"):
        read_truth(tmp_path)
