"""Every form in which captioned data sets are shared, through the one door of notebook 01."""

import csv
import io
import json
import re

import pytest

from utils import datasets
from utils.errors import CourseError
from utils.run import Run
from utils.settings import Settings

NAMES = [f"{number:06d}.jpg" for number in range(20)]
SAID = {name: [f"a dog of {name[:6]}", f"it is {name[:6]}, and runs"] for name in NAMES}
CLEAN = {name: [text.replace(",", "") for text in texts] for name, texts in SAID.items()}
PAIRS = [(name, number, text) for name, texts in SAID.items() for number, text in enumerate(texts)]
SPLIT = {
    name: "train" if name < "000016" else "val" if name < "000018" else "test" for name in SAID
}
OFFICIAL = {"train": "train", "val": "dev", "test": "test"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTION_RUNS", str(tmp_path / "runs"))
    return tmp_path / "mine"


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def write_json(path, content):
    write(path, json.dumps(content))


# Each writes one form and returns the folder of its pictures.


def captions_txt(folder):
    write(folder / "captions.txt", "image,caption\n" + "".join(f"{n},{t}\n" for n, _, t in PAIRS))
    return "Images"


def kaggle_with_official_lists(folder):
    for split, name in (("train", "train"), ("val", "dev"), ("test", "test")):
        listed = "".join(f"{image}\n" for image in NAMES if SPLIT[image] == split)
        write(folder / f"Flickr_8k.{name}Images.txt", listed)
    return captions_txt(folder)


def flickr30k_results(folder):
    rows = [f"{name}| {number}| {text} ." for name, number, text in PAIRS]
    rows[5] = f"{PAIRS[5][0]}| 1   {PAIRS[5][2]} ."  # as in row 19,999 of the shared file
    write(folder / "results.csv", "\n".join(["image_name| comment_number| comment", *rows]))
    return "flickr30k_images"


def flickr30k_token(folder, name="results_20130124.token"):
    rows = [f"{name}#{number}\t{text} ." for name, number, text in PAIRS]
    write(folder / name, "\n".join(rows) + "\n")
    return "flickr30k-images"


def karpathy(folder, filepath=""):
    images = [
        {"filename": name, "split": SPLIT[name], "sentences": [{"raw": text} for text in texts]}
        for name, texts in SAID.items()
    ]
    images[0]["split"] = "restval"
    for image in images:
        image |= {"filepath": filepath} if filepath else {}
    write_json(folder / "dataset_mine.json", {"images": images, "dataset": "mine"})
    return filepath or "imgs"


def karpathy_with_filepath(folder):
    return karpathy(folder, "val2014")


def karpathy_s_whole_archive(folder):
    other = [{"filename": "x.jpg", "split": "train", "sentences": [{"raw": "a cat"}]}]
    write_json(folder / "dataset_coco.json", {"images": other, "dataset": "coco"})
    return karpathy(folder)


def coco(names):
    return {
        "info": {},
        "images": [{"id": int(name[:6]) + 7, "file_name": name} for name in names],
        "annotations": [
            {"id": 2 * place + number, "image_id": int(name[:6]) + 7, "caption": text}
            for place, name in enumerate(names)
            for number, text in enumerate(SAID[name])
        ],
    }


def coco_one_file(folder):
    write_json(folder / "captions_all.json", coco(NAMES))
    return "pictures"


def coco_train_and_val(folder):
    write_json(folder / "annotations" / "captions_train2017.json", coco(NAMES[:16]))
    write_json(folder / "annotations" / "captions_val2017.json", coco(NAMES[16:]))
    write_json(folder / "annotations" / "instances_val2017.json", {"images": [], "annotations": []})
    return lambda name: "train2017" if name < "000016" else "val2017"


def coco_under_another_name(folder):
    write_json(folder / "labels.json", coco(NAMES))
    return "."


def metadata_jsonl(folder):
    rows = [json.dumps({"file_name": name, "text": texts}) for name, texts in SAID.items()]
    write(folder / "metadata.jsonl", "\n".join(rows) + "\n")
    return "."


def metadata_csv(folder):
    rows = [f'{name},7,"{text}"' for name, _, text in PAIRS]
    write(folder / "metadata.csv", "\n".join(["file_name,size,text", *rows]))
    return "."


def metadata_csv_of_lists(folder):
    file = io.StringIO()
    rows = [(name, json.dumps(texts)) for name, texts in SAID.items()]
    csv.writer(file).writerows([("file_name", "caption"), *rows])
    write(folder / "metadata.csv", file.getvalue())
    return "."


def metadata_in_split_folders(folder):
    called = {"train": "train", "val": "validation", "test": "test"}
    for split, name in called.items():
        images = [image for image in NAMES if SPLIT[image] == split]
        rows = [json.dumps({"file_name": image, "caption": SAID[image]}) for image in images]
        write(folder / name / "metadata.jsonl", "\n".join(rows))
    return lambda image: called[SPLIT[image]]


def three_columns(folder, header="", separator=",", encoding="utf-8", end="\n"):
    rows = [separator.join([name, str(number), text]) for name, number, text in PAIRS]
    write(folder / "captions.txt", end.join([*header.splitlines(), *rows]), encoding)
    return "Images"


def three_columns_under_a_header_of_two(folder):
    return three_columns(folder, "image,caption")


def three_columns_under_their_header(folder):
    return three_columns(folder, "image;number;caption", ";")


def tabs_in_utf_16(folder):
    return three_columns(folder, "", "\t", "utf-16", "\r\n")


def spreadsheet_for_windows(folder):
    rows = [f'{name};"{text}"' for name, _, text in PAIRS]
    write(folder / "holiday.csv", "\r\n".join(["Picture;Caption", *rows]), "utf-8-sig")
    return "."


def archive_with_one_more_folder(folder):
    flickr30k_results(folder / "flickr30k_images")
    return "flickr30k_images/flickr30k_images"


def token_file_under_another_name(folder):
    return flickr30k_token(folder, "mine.token.txt")


# Writer: split by the form itself (else drawn), and a word of the line that says what it is.
FORMS = {
    captions_txt: (False, "separator comma, UTF-8"),
    kaggle_with_official_lists: (True, "official split of Flickr8k"),
    flickr30k_results: (False, "results.csv was taken for .*separator bar"),
    flickr30k_token: (False, "token file"),
    token_file_under_another_name: (False, "token file"),
    karpathy: (True, "Karpathy"),
    karpathy_with_filepath: (True, "Karpathy"),
    karpathy_s_whole_archive: (True, "Karpathy"),
    coco_one_file: (False, "COCO"),
    coco_train_and_val: (None, "half of its dev drawn as test"),
    coco_under_another_name: (False, "COCO"),
    metadata_jsonl: (False, "image folder"),
    metadata_csv: (False, "image folder"),
    metadata_csv_of_lists: (False, "image folder"),
    metadata_in_split_folders: (True, "image folder"),
    three_columns: (False, "no header"),
    three_columns_under_a_header_of_two: (False, "comma"),
    three_columns_under_their_header: (False, "semicolon"),
    tabs_in_utf_16: (False, "separator tab, UTF-16"),
    spreadsheet_for_windows: (False, "holiday.csv was taken for .*semicolon"),
    archive_with_one_more_folder: (False, "results.csv"),
}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_form_goes_through_all_of_notebook_01(form, folder, write_picture, capsys):
    own_splits, told = FORMS[form]
    place = form(folder)
    for number, name in enumerate(NAMES):
        write_picture(folder / (place(name) if callable(place) else place) / name, number)
    settings = Settings(dataset=str(folder))

    raw = datasets.load_raw_dataset(settings)
    pictures = datasets.inspect_pictures(raw)
    defects = datasets.find_defects(raw, pictures)
    captions, kept = datasets.clean_dataset(raw, pictures, defects)

    assert defects[defects["action"] == "left out"].empty
    said = {
        image.rpartition("/")[2]: texts
        for image, texts in captions.groupby("image")["caption"].apply(list).items()
    }
    assert said == CLEAN
    assert all(raw.path(image).exists() for image in kept["image"])
    split = {image.rpartition("/")[2]: name for image, name in raw.splits.items()}
    if own_splits:
        assert split == {image: OFFICIAL[name] for image, name in SPLIT.items()}
    elif own_splits is None:
        assert [image for image in NAMES if split[image] == "train"] == NAMES[:16]
        assert sorted(split[image] for image in NAMES[16:]) == ["dev", "dev", "test", "test"]
    else:
        assert raw.splits.value_counts().to_dict() == {"train": 16, "dev": 2, "test": 2}
    shown = capsys.readouterr().out.splitlines()[0]
    assert shown.startswith("Data set mine: ")
    assert re.search(told, shown), shown

    run = Run(settings, "01_data_cleaning")
    run.save_clean(raw, captions, kept)
    assert run.load("pictures.csv")["image"].to_list() == kept["image"].to_list()
    assert run.picture_path(kept["image"].iloc[0]).exists()


def test_splits_csv_wins_over_the_form_s_own(folder, write_picture):
    place = karpathy(folder)
    for number, name in enumerate(NAMES):
        write_picture(folder / place / name, number)
    rows = [f"{name[:6]},{'train' if name > '000009' else 'test'}" for name in NAMES]
    write(folder / "splits.csv", "\n".join(["image,split", *rows]))
    raw = datasets.load_raw_dataset(Settings(dataset=str(folder)))
    assert raw.splits["000000.jpg"] == "test" and raw.splits["000019.jpg"] == "train"
    assert raw.sources == (folder / "dataset_mine.json", folder / "splits.csv")


def test_kaggle_s_form_in_the_place_of_flickr8k(folder, write_picture, monkeypatch):
    monkeypatch.setenv("CAPTION_DATA", str(folder))
    place = kaggle_with_official_lists(folder / "flickr8k")
    for number, name in enumerate(NAMES):
        write_picture(folder / "flickr8k" / place / name, number)
    raw = datasets.load_raw_dataset(Settings(dataset="flickr8k"))
    assert raw.name == "flickr8k" and raw.splits["000017.jpg"] == "dev"


def test_what_lies_there_besides_is_named(folder, write_picture, capsys):
    karpathy(folder)
    for number, name in enumerate(NAMES):
        write_picture(folder / captions_txt(folder) / name, number)
    datasets.load_raw_dataset(Settings(dataset=str(folder)))
    shown = capsys.readouterr().out
    assert "captions.txt was taken for" in shown and "Not read: dataset_mine.json" in shown


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("notes.md", "hello", "found notes.md; expected captions.txt, results.csv"),
        ("numbers.csv", "a,b\n1,2\n", "found numbers.csv; expected"),
        ("readme.txt", "image,caption\na.jpg,a\n", "no other form"),
        ("dataset_mine.json", '{"images": [', "is damaged, it is no JSON"),
        ("dataset_mine.json", '{"images": [{"id": 1}]}', "holds no captions that are known"),
        (
            "dataset_mine.json",
            '{"images": [{"sentences": []}]}',
            "lacks 'filename': see",
        ),
        (
            "dataset_mine.json",
            '{"images": [{"filename": "a.jpg", "split": "x", "sentences": []}]}',
            "names the split 'x': known are train, restval",
        ),
        (
            "dataset_mine.json",
            '{"images": [{"filename": "a.jpg", "split": "train", "sentences": []}]}',
            "holds no captions",
        ),
        ("captions_a.json", "[1, 2]", "holds no captions that are known"),
        (
            "captions_a.json",
            '{"images": [], "annotations": [{"image_id": 5, "caption": "a"}]}',
            "lacks 5: see data/README",
        ),
        (
            "metadata.jsonl",
            '{"file_name": "a.jpg", "text": "a"}\n{"file_name"\n',
            "Line 2 of .* not",
        ),
        ("metadata.jsonl", '{"file_name": "a.jpg"}\n', "Line 1 of .* file_name and text"),
        ("metadata.jsonl", "[]\n", "Line 1 of"),
        ("metadata.jsonl", '{"file_name": "a.jpg", "text": {"en": "a"}}\n', "Line 1 of"),
        ("captions_a.json", '{"images": {"a": 1}, "annotations": [{"caption": "a"}]}', "otherwise"),
        ("metadata.jsonl", "", "holds no captions"),
        ("metadata.csv", "name,words\n", "must start with the line image,caption"),
        ("captions.txt", "image,caption\na.jpg,a dog\n", "No picture lies in mine/: put"),
    ],
)
def test_what_is_no_data_set_is_refused_in_a_sentence(folder, name, text, sentence):
    write(folder / name, text)
    with pytest.raises(CourseError, match=sentence) as caught:
        datasets.load_raw_dataset(Settings(dataset=str(folder)))
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_refused(folder):
    folder.mkdir()
    with pytest.raises(CourseError, match="found nothing; expected captions.txt"):
        datasets.load_raw_dataset(Settings(dataset=str(folder)))


def test_names_without_a_picture_are_counted_and_more_than_half_stop(folder, write_picture, capsys):
    place = captions_txt(folder)
    for number, name in enumerate(NAMES[:10]):
        write_picture(folder / place / name, number)
    write_picture(folder / place / "spare.jpg", 30)
    datasets.load_raw_dataset(Settings(dataset=str(folder)))
    assert (
        "10 of the 20 pictures that captions.txt names are not there, for example '000010.jpg'; "
        "what lies there without captions is, for example, 'spare.jpg'"
    ) in capsys.readouterr().out
    (folder / place / NAMES[0]).unlink()
    with pytest.raises(CourseError, match="11 of the 20 pictures .*make the names agree"):
        datasets.load_raw_dataset(Settings(dataset=str(folder)))
