"""Reading, inspecting and cleaning data sets, on tiny ones made for the purpose."""

import errno
import hashlib
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from scenes import generate_scenes
from utils import datasets
from utils.datasets.folder import read_folder
from utils.errors import CourseError
from utils.run import Run
from utils.settings import Settings


def write_picture(path, value):
    """Write a JPEG whose noise depends on `value`."""
    pixels = np.random.default_rng(value).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    path.write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


@pytest.fixture
def folder(tmp_path):
    """A sound data set: 10 pictures with two captions each and fixed splits."""
    folder = tmp_path / "mine"
    (folder / "Images").mkdir(parents=True)
    captions, splits = ["image,caption"], ["image,split"]
    for number in range(10):
        write_picture(folder / "Images" / f"{number}.jpg", number)
        captions += [f"{number}.jpg,A dog number {number} .", f"{number}.jpg,It runs {number} ."]
        splits.append(f"{number}.jpg,{'train' if number < 6 else 'dev' if number < 8 else 'test'}")
    (folder / "captions.txt").write_text("\n".join(captions) + "\n", "utf-8")
    (folder / "splits.csv").write_text("\n".join(splits) + "\n", "utf-8")
    return folder


def add_captions(folder, *lines):
    with open(folder / "captions.txt", "a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def examine(folder):
    raw = read_folder(folder)
    pictures = datasets.inspect_pictures(raw)
    return raw, pictures, datasets.find_defects(raw, pictures)


def listed(defects):
    return {(row.image, row.defect, row.action) for row in defects.itertuples()}


# Reading ----------------------------------------------------------------------------------------


def test_read_folder(folder):
    raw = datasets.load_raw_dataset(Settings(dataset=str(folder)))
    assert raw.name == "mine"
    assert raw.captions.shape == (20, 2)
    assert raw.captions["caption"][0] == "A dog number 0 ."
    assert raw.splits["9.jpg"] == "test"
    assert raw.path("3.jpg").exists()


def test_captions_are_text_whatever_they_look_like(folder):
    text = '\ufeffimage,caption\n0.jpg,null\n0.jpg,12\n0.jpg,"one, two"\n0.jpg,one, two\n\n1.jpg\n'
    (folder / "captions.txt").write_text(text, "utf-8")
    raw = read_folder(folder)
    assert raw.captions["caption"].to_list() == ["null", "12", "one, two", "one, two", ""]


def test_another_training_seed_gives_no_other_split(folder):
    (folder / "splits.csv").unlink()
    settings = Settings(dataset=str(folder), seed=7)
    first, other = (
        datasets.load_raw_dataset(replace(settings, seed=seed)).splits for seed in (7, 8)
    )
    assert first.value_counts().to_dict() == {"train": 8, "dev": 1, "test": 1}
    assert first.equals(other)


def test_the_files_that_were_read_are_named(folder):
    assert read_folder(folder).sources == (folder / "captions.txt", folder / "splits.csv")
    (folder / "splits.csv").unlink()
    assert read_folder(folder).sources == (folder / "captions.txt",)


@pytest.mark.parametrize("dataset", [".", "/", ".."])
def test_a_folder_that_holds_no_data_set_is_refused(dataset):
    with pytest.raises(CourseError, match=r"captions\.txt is missing in"):
        datasets.load_raw_dataset(Settings(dataset=dataset))


def test_too_few_scenes_are_refused(monkeypatch, tmp_path):
    def refuse(folder, count):
        raise ValueError("count must be larger")

    monkeypatch.setattr(datasets, "generate_scenes", refuse)
    monkeypatch.setenv("CAPTION_DATA", str(tmp_path))
    with pytest.raises(CourseError, match="count must be larger"):
        datasets.load_raw_dataset(Settings())


@pytest.fixture(scope="module")
def scenes_80(tmp_path_factory):
    """Eighty scenes."""
    folder = tmp_path_factory.mktemp("drawn") / "scenes-80"
    generate_scenes(folder, 80)
    return folder


@pytest.fixture
def drawn(scenes_80, tmp_path, monkeypatch):
    """A copy of them where the course looks for its scenes, and what is in all their files."""
    monkeypatch.setenv("CAPTION_DATA", str(tmp_path))
    folder = shutil.copytree(scenes_80, tmp_path / "scenes-80")
    return folder, contents_of(folder)


def contents_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "left"),
    [
        *[("captions.txt", None), ("facts.json", None), ("defects.json", None)],
        *[("splits.csv", None), ("facts.json", 0), ("facts.json", 500)],
    ],
)
def test_scenes_are_drawn_anew_where_a_table_is_gone(drawn, name, left, monkeypatch):
    folder, _ = drawn
    if left is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes((folder / name).read_bytes()[:left])
    asked = []
    monkeypatch.setattr(datasets, "generate_scenes", lambda *arguments: asked.append(arguments))
    with suppress(CourseError):
        datasets.load_raw_dataset(Settings(picture_count=80))
    assert asked == [(folder, 80)]


def test_scenes_drawn_anew_are_the_same(drawn):
    folder, before = drawn
    (folder / "captions.txt").unlink()
    (folder / ".facts.99999999.tmp.json").write_bytes(b"half")
    for path in sorted((folder / "Images").iterdir())[::2]:
        path.rename(path.with_name(f".{path.stem}.99999999.tmp.jpg"))
    datasets.load_raw_dataset(Settings(picture_count=80))
    assert contents_of(folder) == before


LOAD = """
from utils.datasets import load_raw_dataset
from utils.settings import Settings
load_raw_dataset(Settings(picture_count=80))
"""


def test_two_processes_that_draw_at_once_wait_for_each_other(scenes_80, tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTION_DATA", str(tmp_path))
    pipes = {"stdout": subprocess.PIPE, "text": True}
    programs = [subprocess.Popen([sys.executable, "-c", LOAD], **pipes) for _ in range(2)]
    said = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    assert sum("drawing scenes" in text for text in said) == 1  # the other found them there
    expected = {path.name: content for path, content in contents_of(scenes_80).items()}
    found = {path.name: text for path, text in contents_of(tmp_path / "scenes-80").items()}
    assert found == expected


def test_scenes_whose_pictures_are_gone_are_named(drawn):
    folder, before = drawn
    pictures = sorted((folder / "Images").iterdir())
    for path in pictures[::2]:
        path.unlink()
    sentence = f"{len(pictures[::2])} of the {len(pictures)} drawn pictures are gone.*: delete"
    with pytest.raises(CourseError, match=sentence):
        datasets.load_raw_dataset(Settings(picture_count=80))
    for path in pictures[::2]:  # brought back
        path.write_bytes(before[path])
    datasets.load_raw_dataset(Settings(picture_count=80))


def test_a_disk_that_takes_no_scenes_is_named(tmp_path, monkeypatch):
    def full(folder, count):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("CAPTION_DATA", str(tmp_path))
    monkeypatch.setattr(datasets, "generate_scenes", full)
    with pytest.raises(CourseError, match="The disk is full, so .*scenes-80 was not written"):
        datasets.load_raw_dataset(Settings(picture_count=80))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("captions.txt", "", "must start with the line image,caption, .* but is empty"),
        ("captions.txt", "image,caption\n", "holds no rows"),
        ("captions.txt", "picture|says\na|b\n", r"must start .* but starts with 'picture\|says'"),
        ("captions.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is no text file"),
        ("splits.csv", "image,split\n0.jpg,val\n", "names the split 'val'"),
        ("splits.csv", "image,split\n0.jpg,dev\n0.jpg,test\n", "names the picture 0.jpg twice"),
    ],
)
def test_wrong_tables_are_refused(folder, name, text, sentence):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CourseError, match=sentence):
        read_folder(folder)


def test_missing_captions_and_missing_pictures(folder):
    (folder / "Images").rename(folder.parent / "pictures")
    with pytest.raises(CourseError, match=r"No picture lies in mine/.*into Images/"):
        read_folder(folder)
    (folder / "captions.txt").unlink()
    with pytest.raises(CourseError, match=r"captions\.txt is missing"):
        read_folder(folder)


# Defects ----------------------------------------------------------------------------------------


def test_a_sound_data_set_has_no_defects(folder):
    raw, pictures, defects = examine(folder)
    assert defects.empty
    captions, kept = datasets.clean_dataset(raw, pictures, defects)
    assert len(captions) == 20
    assert kept["image"].to_list() == [f"{number}.jpg" for number in range(10)]


def test_defects_of_pictures(folder):
    images = folder / "Images"
    (images / "0.jpg").write_bytes((images / "0.jpg").read_bytes()[:-300])
    (images / "1.jpg").write_text("no picture")
    (images / "2.jpg").write_bytes(b"")
    write_picture(images / "silent.jpg", 20)
    write_picture(images / "stray.jpg", 21)
    (images / ".DS_Store").write_text("not the reader's")
    add_captions(folder, "gone.jpg,A dog .", "../captions.txt,A dog .", "stray.jpg,A dog .")
    raw, pictures, defects = examine(folder)
    assert listed(defects) == {
        ("0.jpg", "picture unreadable", "left out"),
        ("1.jpg", "picture unreadable", "left out"),
        ("2.jpg", "picture unreadable", "left out"),
        ("../captions.txt", "picture missing", "left out"),
        ("gone.jpg", "picture missing", "left out"),
        ("silent.jpg", "picture without captions", "left out"),
        ("stray.jpg", "picture in no split", "left out"),
    }
    captions, kept = datasets.clean_dataset(raw, pictures, defects)
    assert set(captions["image"]) == set(kept["image"]) == {f"{n}.jpg" for n in range(3, 10)}


def test_a_caption_of_thousands_of_words_is_cut_where_it_is_learned_from(folder):
    raw = read_folder(folder)
    learned, scored = (raw.splits[raw.splits == split].index[0] for split in ("train", "test"))
    add_captions(folder, *(f"{image},{'very ' * 4999}long" for image in (learned, scored)))
    raw, pictures, defects = examine(folder)
    assert defects["detail"].to_list() == ["5,000 words; train learns 100"] * 2
    captions, _ = datasets.clean_dataset(raw, pictures, defects)
    longest = captions["caption"].str.split().str.len().groupby(captions["split"]).max()
    assert (longest["train"], longest["test"]) == (100, 5000)


def test_defects_of_captions(folder):
    odd = ["A  dog runs .", "A\u00a0cat runs !", "A cow # runs", "A HORSE RUNS"]
    fine = ['"Well, ""Rex"" runs!"', "A café in Łódź; it's 5 o'clock (or 6).", "An ATV ."]
    rows = [f"3.jpg,{text}" for text in [*odd, *fine]]
    add_captions(folder, *rows, "4.jpg,?!", "4.jpg,", "5.jpg,Dog .", "5.jpg,it runs 5")
    raw, pictures, defects = examine(folder)
    assert defects.loc[defects["defect"] == "odd typing", "caption"].to_list() == odd
    assert defects["detail"].to_list()[:4] == ["double space", "U+00A0", "#", "capitals only"]
    assert listed(defects[defects["image"] != "3.jpg"]) == {
        ("4.jpg", "empty caption", "left out"),
        ("5.jpg", "one-word caption", "kept"),
        ("5.jpg", "repeated caption", "kept"),
    }
    captions, _ = datasets.clean_dataset(raw, pictures, defects)
    assert len(captions) == 20 + 7 + 2
    assert captions.loc[captions["image"] == "3.jpg", "caption"].to_list()[2:6] == [
        "a dog runs",
        "a cat runs",
        "a cow runs",
        "a horse runs",
    ]


def test_a_picture_whose_only_captions_are_empty(folder):
    write_picture(folder / "Images" / "x.jpg", 20)
    add_captions(folder, "x.jpg,...")
    _, _, defects = examine(folder)
    assert ("x.jpg", "picture without captions", "left out") in listed(defects)


def test_copies_are_kept_within_a_split_and_left_out_across_splits(folder):
    images = folder / "Images"
    (images / "1.jpg").write_bytes((images / "0.jpg").read_bytes())  # both in train
    (images / "2.jpg").write_bytes((images / "9.jpg").read_bytes())  # train and test
    (images / "6.jpg").write_bytes((images / "9.jpg").read_bytes())  # dev and the same in test
    raw, pictures, defects = examine(folder)
    assert listed(defects) == {
        ("1.jpg", "duplicate picture", "kept"),
        ("2.jpg", "duplicate picture", "left out"),
        ("6.jpg", "duplicate picture", "left out"),
    }
    _, kept = datasets.clean_dataset(raw, pictures, defects)
    split_of = kept.set_index("sha256")["image"].map(raw.splits)
    assert split_of.groupby(level=0).nunique().max() == 1
    assert "9.jpg" in set(kept["image"])


def test_a_split_without_pictures_is_refused(folder):
    for number in (8, 9):
        (folder / "Images" / f"{number}.jpg").unlink()
    with pytest.raises(CourseError, match="No usable picture is left in the test split of mine"):
        datasets.clean_dataset(*examine(folder))


def test_the_fingerprint_is_that_of_the_file(folder):
    pictures = datasets.inspect_pictures(read_folder(folder)).set_index("image")["sha256"]
    for image, found in pictures.items():
        assert found == hashlib.sha256((folder / "Images" / image).read_bytes()).hexdigest()


def test_saved_captions_come_back_as_they_were(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTION_RUNS", str(tmp_path / "runs"))
    write_picture(folder / "Images" / "000025", 25)
    with open(folder / "splits.csv", "a") as file:
        file.write("000025,train\n")
    add_captions(folder, "3.jpg,null", "3.jpg,007", "10.jpg,not there", "000025,A bird .")
    raw, pictures, defects = examine(folder)
    captions, kept = datasets.clean_dataset(raw, pictures, defects)
    run = Run(Settings(dataset=str(folder)), "01_data_cleaning")
    run.save_clean(raw, captions, kept)
    pd.testing.assert_frame_equal(
        run.load("captions.csv"), captions.reset_index(drop=True), check_dtype=False
    )
    assert run.load("pictures.csv")["image"].to_list() == kept["image"].to_list()
    assert "000025" in set(kept["image"])
    (folder / "captions.txt").write_text("")
    with pytest.raises(CourseError):
        examine(folder)
    assert len(pd.read_csv(run.path("captions.csv"))) == len(captions)


def test_every_planted_defect_of_scenes_is_found(scenes_80):
    planted = datasets.load_planted_defects(scenes_80)
    _, _, defects = examine(scenes_80)
    assert planted["defect"].nunique() == 5
    pairs = set(planted.itertuples(index=False, name=None))
    assert pairs <= set(defects[["image", "defect"]].itertuples(index=False, name=None))
    # Beyond the planted ones there are only harmless remarks.
    beyond = defects.loc[defects["action"] != "kept", ["image", "defect"]]
    assert set(beyond.itertuples(index=False, name=None)) <= pairs


def test_other_data_sets_have_no_planted_defects(folder):
    assert datasets.load_planted_defects(folder).empty
