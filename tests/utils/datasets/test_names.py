"""Which picture a name in a table means."""

import os
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.datasets.names import list_pictures, match_names, picture_folder, shown

COMPOSED, APART = (unicodedata.normalize(form, "café.jpg") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("p1.jpg", "p1.jpg"),
        ("p1.jpg#0", "p1.jpg"),
        ("p#1.jpg", "p#1.jpg"),
        ("a#1", "a#1"),
        ("000025", "000025.jpg"),
        ("000025#3", "000025.jpg"),
        ("p1", "sub/p1.jpg"),
        ("img.01", "img.01.jpg"),
        ("P1.jpg", "p1.JPG"),
        ("P1", "p1.JPG"),
        ("straße.jpg", "STRASSE.JPG"),
        (COMPOSED, APART),
        (APART, COMPOSED),
        ("2012/p1.jpg", "2012/p1.jpg"),
        ("2012/p1.jpg", "p1.jpg"),
        ("p1.jpg", "2012/p1.jpg"),
        ("2012\\p1.jpg", "2012/P1.jpg"),
        ("./Images/p1.jpg", "p1.jpg"),
        ("/home/me/holiday/2012/p1.jpg", "2012/p1.jpg"),
        ("http://images.org/train2017/p1.jpg", "p1.jpg"),
    ],
)
def test_a_name_and_its_file(name, file):
    assert match_names([name], [file, "other.jpg", "2011/other.jpg"]) == {name: file}


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("p1.jpg", ["p2.jpg", "p11.jpg", "xp1.jpg"]),
        ("p1.jpg", ["p1.png"]),
        ("p1", ["p1.jpg", "p1.png"]),
        ("p1.jpg", ["2011/p1.jpg", "2012/p1.jpg"]),
        ("2013/p1.jpg", ["2011/p1.jpg", "2012/p1.jpg"]),
        ("2013/p1.jpg", ["2012/p1.jpg"]),
        ("", ["p1.jpg"]),
        ("#0", ["p1.jpg"]),
        ("/", ["p1.jpg"]),
    ],
)
def test_a_name_that_means_no_file_or_several_means_none(name, files):
    assert match_names([name], files) == {}


def test_the_exact_name_goes_before_all_others():
    files = ["a.jpg", "A.jpg", "A.JPG", "a", "a#0", "sub/a.jpg"]
    assert match_names(files, files) == {file: file for file in files}
    assert match_names(["a.jpg#0"], files) == {"a.jpg#0": "a.jpg"}


def test_a_picture_is_not_given_to_two_names_that_differ_in_their_folder():
    assert match_names(["2011/p1.jpg", "2012/p1.jpg"], ["p1.jpg"]) == {}
    names = ["2011/p1.jpg", "2012/p1.jpg"]
    assert match_names(names, ["2012/p1.jpg"]) == {"2012/p1.jpg": "2012/p1.jpg"}
    assert set(match_names(["x/p1.jpg#0", "x/p1.jpg#1"], ["p1.jpg"]).values()) == {"p1.jpg"}
    spelled_alike = {"p1.jpg": "p1.jpg", "p1.jpg#0": "p1.jpg"}
    assert match_names([*spelled_alike, "2011/p1.jpg", "2012/p1.jpg"], ["p1.jpg"]) == spelled_alike


names = st.lists(st.text("abÄ./#0 ", min_size=1, max_size=6), unique=True, max_size=8)
paths = st.lists(st.text("abAÄ", min_size=1, max_size=3).map("/".join), unique=True, max_size=8)


@settings(max_examples=60, deadline=None)
@given(names, paths)
def test_only_files_that_are_there_are_given(asked, there):
    matched = match_names(asked, there)
    assert set(matched) <= set(asked) and set(matched.values()) <= set(there)
    assert all(matched[name] == name for name in set(asked) & set(there))


@pytest.fixture
def touch(tmp_path):
    def touch(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return touch


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["captions.txt", "Images/a.jpg"], "Images"),
        (["captions.txt", "images/a.jpg", "logo.png"], "images"),
        (["captions.txt", "Images/Images/a.jpg"], "Images/Images"),
        (["captions.txt", "Images/2011/a.jpg", "Images/2012/a.jpg"], "Images"),
        (["a.jpg", "b.jpg", "metadata.csv"], "."),
        (["annotations/x.json", "train2017/a.jpg", "val2017/b.jpg"], "."),
        (["results.csv", "flickr30k_images/a.jpg", "__MACOSX/._a.jpg"], "flickr30k_images"),
        (["captions.txt"], "."),
    ],
)
def test_the_folder_of_the_pictures(touch, files, expected):
    folder = touch(*files)
    assert picture_folder(folder) == folder / expected


def test_pictures_are_listed_without_tables_and_hidden_files(touch):
    folder = touch("a.jpg", ".DS_Store", "metadata.csv", "b/c.PNG", "b/.x/d.jpg", "b/e", "f.JSON")
    assert list_pictures(folder) == ["a.jpg", "b/c.PNG", "b/e"]


def test_folders_that_are_links_are_followed_once(touch):
    folder = touch("b/c.jpg")
    (folder / "b" / "back").symlink_to(folder)
    (folder / "Images").symlink_to(folder / "b")
    assert len(list_pictures(folder)) == 1
    assert len(list_pictures(folder / "Images")) == 1


def test_a_name_that_is_no_utf_8_can_be_shown():
    assert shown(os.fsdecode(b"caf\xe9.jpg")) == repr("caf\\xe9.jpg")
    assert shown("café.jpg") == "'café.jpg'"
