"""Tables of captions in every encoding, with every separator, and with quotes that do not close."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.artifacts import read_content, write_content
from utils.datasets import find_defects, inspect_pictures
from utils.datasets.folder import read_folder
from utils.datasets.splits import read_splits
from utils.datasets.tables import read_captions
from utils.errors import CourseError


def read(path, content, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table, told = read_captions(path, **options)
    return list(table.itertuples(index=False, name=None)), told


@pytest.fixture
def path(tmp_path):
    return tmp_path / "captions.txt"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", "|", "\t", ";"])
def test_encodings_line_ends_and_separators(path, encoding, end, separator):
    rows = [["image", "caption"], ["a.jpg", "Ein Hund läuft – “schnell”."], ["b.jpg", "犬がいる"]]
    text = end.join(separator.join(row) for row in rows) + end
    found, told = read(path, text.encode(encoding))
    assert found == [tuple(row) for row in rows[1:]]
    assert ("UTF-16" if "16" in encoding else "UTF-8") in told


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_one_foreign_line_spoils_no_other(path, encoding):
    content = "image,caption\na.jpg,une fenêtre – ouverte\n".encode()
    found, told = read(path, content + "b.jpg,un café\n".encode(encoding))
    assert found == [("a.jpg", "une fenêtre – ouverte"), ("b.jpg", "un café")]
    assert "Windows-1252" in told


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xfea", b"PK\3\4\0\0\0"]
)
def test_what_is_no_text_is_refused(path, content):
    with pytest.raises(CourseError, match="is no text file: save the table"):
        read(path, content)


def test_a_table_that_cannot_be_opened(path):
    with pytest.raises(CourseError, match="cannot be read: No such file"):
        read_captions(path)


@pytest.mark.parametrize(
    "header", ["", "image,caption\n", "image,number,caption\n", "Img,No,Text\n"]
)
def test_a_column_of_numbers_is_never_a_word(path, header):
    rows = "000025,0,a yellow ring\n000025,1,two, or three\n000031,0,a cat\n"
    assert read(path, header + rows)[0] == [
        ("000025", "a yellow ring"),
        ("000025", "two, or three"),
        ("000031", "a cat"),
    ]


def test_captions_that_begin_with_a_number_keep_it(path):
    rows = "image,caption\na.jpg,2 dogs\na.jpg,3, maybe 4 dogs\nb.jpg,12\nb.jpg,a cat\n"
    found = [("a.jpg", "2 dogs"), ("a.jpg", "3, maybe 4 dogs"), ("b.jpg", "12"), ("b.jpg", "a cat")]
    assert read(path, rows)[0] == found


@pytest.mark.parametrize("row", ["a.jpg| 4   A dog runs .", "a.jpg|4 A dog runs ."])
def test_the_row_that_lacks_its_second_separator(path, row):
    rows = f"image_name| comment_number| comment\na.jpg| 3| A cat .\n{row}\n"
    assert read(path, rows)[0] == [("a.jpg", "A cat ."), ("a.jpg", "A dog runs .")]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("caption,image", "one, two,a.jpg"),
        ("id,file_name,text", "7,a.jpg,one, two"),
        ("filename;size;description", "a.jpg;12;one, two"),
        ("image,caption,,", "a.jpg,one, two,,"),
        ('"Image", "Caption"', 'a.jpg,"one, two"'),
    ],
)
def test_headers_in_other_words_and_orders(path, header, row):
    assert read(path, f"{header}\n{row}\n")[0] == [("a.jpg", "one, two")]


def test_a_row_in_quotation_marks_as_a_whole(path):
    assert read(path, 'image,caption\n"a.jpg,A dog ."\n')[0] == [("a.jpg", "A dog .")]


def test_a_caption_over_several_lines_is_one(path):
    rows = 'image,caption\na.jpg,"A dog\nruns, and\nbarks"\nb.jpg,A cat\n'
    assert read(path, rows)[0] == [("a.jpg", "A dog\nruns, and\nbarks"), ("b.jpg", "A cat")]


@pytest.mark.parametrize("name", ["{:03d}.jpg", "{:06d}", "{:02d}.PNG", "photo {:d}"])
@pytest.mark.parametrize("captions_each", [1, 2])
@pytest.mark.parametrize("odd", ['"A dog', 'A dog"', '"A "big" dog', '"A dog"" runs'])
@pytest.mark.parametrize("places", [[0], [7], [3, 4], [2, 6], [9]])
def test_an_unbalanced_quotation_mark_swallows_no_row(path, name, captions_each, odd, places):
    rows = [
        [name.format(n // captions_each), odd if n in places else f"caption, {n}"]
        for n in range(10)
    ]
    text = "image,caption\n" + "".join(",".join(row) + "\n" for row in rows)
    found = read(path, text)[0]
    assert [image for image, _ in found] == [image for image, _ in rows]
    for place, (_, caption) in enumerate(found):
        assert caption == rows[place][1] or place in places


def test_a_line_with_an_unbalanced_quotation_mark_is_a_defect(tmp_path, write_picture):
    for number in range(10):
        write_picture(tmp_path / "Images" / f"{number}.jpg", number)
    rows = [f"{number}.jpg,A dog number {number}" for number in range(10)]
    rows[3] = '3.jpg,"A dog, number 3'
    (tmp_path / "captions.txt").write_text("\n".join(["image,caption", *rows]))
    raw = read_folder(tmp_path)
    defects = find_defects(raw, inspect_pictures(raw))
    assert len(raw.captions) == 10
    assert defects[["image", "defect", "detail", "caption", "action"]].to_numpy().tolist() == [
        ["3.jpg", "odd typing", "unbalanced quotation mark", '"A dog, number 3', "repaired"]
    ]


def test_an_unbalanced_quotation_mark_before_a_name_is_kept_with_the_caption(path):
    found = read(path, 'image,caption\n"a.jpg,A dog\nb.jpg,A cat\n')[0]
    assert found == [("a.jpg", '"A dog'), ("b.jpg", "A cat")]


def test_quotation_marks_are_text_in_a_token_file(path):
    rows = 'a.jpg#0\t"Two men" walk\na.jpg#1\t"A man\nb.jpg#0\tA # sign\tand a dog\n'
    assert read(path, rows, quoted=False)[0] == [
        ("a.jpg#0", '"Two men" walk'),
        ("a.jpg#1", '"A man'),
        ("b.jpg#0", "A # sign\tand a dog"),
    ]


captions = st.text(st.characters(exclude_categories=["C"]), max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(captions, min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_what_a_csv_writer_wrote_comes_back(tmp_path_factory, texts, separator):
    path = tmp_path_factory.mktemp("table") / "captions.csv"
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    rows = [(f"{number:05d}.jpg", text) for number, text in enumerate(texts)]
    writer.writerows([("image", "caption"), *rows])
    assert read(path, file.getvalue())[0] == rows


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.sampled_from('a,"; .'), max_size=12), min_size=1, max_size=9))
def test_no_quotation_mark_ever_swallows_a_row(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("table") / "captions.txt"
    rows = [f"{number:05d}.jpg,{text}" for number, text in enumerate(texts)]
    found = read(path, "\n".join(["image,caption", *rows]))[0]
    assert [name for name, _ in found] == [row[:9] for row in rows]


@settings(max_examples=60, deadline=None)
@given(st.text("0123456789", min_size=1, max_size=12))
def test_names_of_digits_survive_every_table_of_a_run(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("run") / "captions.csv"
    table = pd.DataFrame(
        [(name, "train", "007", "")], columns=["image", "split", "caption", "action"]
    )
    write_content(path, table)
    assert read_content(path).to_numpy().tolist() == table.to_numpy().tolist()


def test_splits_in_other_encodings_and_with_other_separators(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_bytes("image;split\r\n000025;train\r\né.jpg; dev\r\n".encode("cp1252"))
    assert read_splits(path) == {"000025": "train", "é.jpg": "dev"}
