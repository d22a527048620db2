"""Which score people agree with: on made-up judgements, and anew where Flickr8k is there."""

import json
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import judgements
from utils.datasets import load_agreement, read_judgements
from utils.metrics import score_captions
from utils.settings import ROOT

SENTENCES = {
    "dog.jpg": ("a brown dog runs over the green grass", "a dog is running on a field of grass"),
    "sea.jpg": (
        "two small boats sail on the blue sea",
        "a pair of boats out at sea on a clear day",
    ),
    "boy.jpg": (
        "a boy in a red shirt throws a ball",
        "the boy with a red shirt has a ball to throw",
    ),
    "cat.jpg": ("a cat sleeps in a box by the door", "there is a cat asleep in a box at the door"),
}
NAMES = ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "BLEU-4, one added", "ROUGE-L", "CIDEr-D"]


@pytest.fixture
def folder(tmp_path):
    """Four pictures and their judged captions: those of another picture, and copies of their own.

    The copies stand under pictures without judgements, so that they are not left out.
    """
    tokens, rows = [], []
    for image, sentences in SENTENCES.items():
        for number, sentence in enumerate(sentences):
            tokens += [f"{image}#{number}\t{sentence} .", f"copy-{image}#{number}\t{sentence}"]
            for other in SENTENCES:
                ratings = "3\t4\t4" if other == image else "1\t1\t2"
                rows.append(f"{other}\tcopy-{image}#{number}\t{ratings}")
        rows.append(f"{image}\t{image}#0\t1\t1\t1")  # its own caption: to be left out
    (tmp_path / "Flickr8k.token.txt").write_text("\n".join(tokens))
    (tmp_path / "ExpertAnnotations.txt").write_text("\n".join(rows))
    for split in ("train", "dev", "test"):
        images = "\n".join(SENTENCES) if split == "test" else ""
        (tmp_path / f"Flickr_8k.{split}Images.txt").write_text(images)
    return tmp_path


def test_scores_that_are_right_agree_with_people_and_controls_do_not(folder):
    found = judgements.measure(folder, resamples=20)
    assert (found["pictures"], found["captions"], found["ratings"]) == (4, 32, 96)
    table = pd.DataFrame(found["agreement"]).set_index("score")
    most = table.loc["mean of the three experts", "tau_c"]
    for name in NAMES:
        assert 0.6 * most < table.loc[name, "tau_c"] <= most
    for name in judgements.CONTROLS:
        assert abs(table.loc[name, "tau_c"]) < 0.3 * most
    assert (table["low"] <= table["high"]).all()
    assert table["kind"].value_counts().to_dict() == {"score": 7, "control": 2, "people": 2}


def test_nothing_but_numbers_is_kept(folder):
    kept = json.dumps(judgements.measure(folder, resamples=2))
    assert not [text for texts in SENTENCES.values() for text in texts if text in kept]
    assert "jpg" not in kept


def test_a_caption_scores_as_a_set_of_one(folder):
    judged = read_judgements(folder)
    scores = judgements.score_each(judged, judgements.read_references(folder))
    assert scores.columns.tolist()[: len(NAMES)] == NAMES
    for row in (0, 1, 9):
        image, said = judged.loc[row, ["image", "caption"]]
        alone = score_captions([said], [list(SENTENCES[image])])
        assert scores.loc[row, NAMES[:4]].tolist() == pytest.approx(list(alone.values())[:4])
        assert 100 * scores.loc[row, "ROUGE-L"] == pytest.approx(alone["rouge_l"])


def test_one_expert_foretells_the_others_by_hand():
    judged = pd.DataFrame({"lowest": [1, 2], "middle": [1, 2], "highest": [1, 2]})
    found = judgements.agreements(judged, pd.DataFrame({"right": [0.1, 0.9], "wrong": [9, 1]}))
    assert found == pytest.approx(
        {"right": 100, "wrong": -100, "one expert": 100, "mean of the three experts": 100}
    )
    judged = pd.DataFrame({"lowest": [1, 1], "middle": [1, 2], "highest": [2, 2]})
    found = judgements.agreements(judged, pd.DataFrame())
    # 12 pairs of ratings: (1, 1) twice, (1, 2) four times, (2, 1) four times, (2, 2) twice.
    assert found["one expert"] == pytest.approx(100 * 4 * (2 * 2 - 4 * 4) / 12**2)


def test_the_page_shows_what_is_stored():
    page = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    assert judgements.markdown(load_agreement()) in page


@pytest.mark.skipif(
    "CAPTION_ARCHIVES" not in os.environ, reason="CAPTION_ARCHIVES names no folder of Flickr8k"
)
def test_flickr8k_gives_what_is_stored_and_what_is_published(tmp_path):
    with zipfile.ZipFile(Path(os.environ["CAPTION_ARCHIVES"]) / "Flickr8k_text.zip") as archive:
        archive.extractall(tmp_path)
    found = judgements.measure(tmp_path, resamples=2)
    stored = json.loads((ROOT / "benchmarks" / "judgements.json").read_text("utf-8"))
    assert (found["captions"], found["ratings"]) == (5664, 16992)
    for name in ("sha256", "pictures", "captions", "ratings"):
        assert found[name] == stored[name]
    measured = pd.DataFrame(found["agreement"]).set_index("score")
    assert measured["tau_c"].to_dict() == pytest.approx(
        load_agreement()["tau_c"].to_dict(), abs=0.02
    )
    published = measured.dropna()
    assert len(published) == 3
    assert published["tau_c"].to_dict() == pytest.approx(published["published"].to_dict(), abs=0.05)
