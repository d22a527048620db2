"""All scores against golden figures, known cases and bad input.

The figures in golden_captions.json are the COCO caption toolkit's: the Python classes Bleu, Rouge
and Cider of pycocoevalcap 1.2 (its Cider computes CIDEr-D), given these sentences after
clean_caption ("scores", and those of each picture) or as its PTBTokenizer cuts them ("raw_scores").
They are on the scale of that package: 0 to 1, CIDEr-D 0 to 10.
"""

import json
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from utils.errors import CourseError
from utils.metrics import (
    bootstrap_intervals,
    cider_d_scores,
    human_ceiling,
    protocol_errors,
    rouge_l_scores,
    score_captions,
)
from utils.vocabulary import clean_caption

GOLDEN = json.loads(Path(__file__).with_name("golden_captions.json").read_text("utf-8"))
HYPOTHESES = [picture["hypothesis"] for picture in GOLDEN["pictures"]]
REFERENCES = [picture["references"] for picture in GOLDEN["pictures"]]


def changed(change):
    """The golden sentences, each of them changed."""
    return [change(h) for h in HYPOTHESES], [[change(t) for t in texts] for texts in REFERENCES]


@pytest.mark.parametrize("clean, golden", [(clean_caption, "scores"), (str, "raw_scores")])
def test_corpus_scores_equal_the_coco_toolkit(clean, golden):
    scores = score_captions(*changed(clean))
    assert list(scores) == ["bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d"]
    for name, expected in GOLDEN[golden].items():
        assert scores[name] / 100 == pytest.approx(expected, abs=1e-6), name


@pytest.mark.parametrize(
    "name, function", [("rouge_l", rouge_l_scores), ("cider_d", cider_d_scores)]
)
def test_picture_scores_equal_the_coco_toolkit(name, function):
    golden = [picture[name] for picture in GOLDEN["pictures"]]
    np.testing.assert_allclose(function(*changed(clean_caption)), golden, atol=1e-6)


def test_golden_set_is_wide_enough():
    assert len(REFERENCES) >= 20
    assert all(len(texts) == 5 for texts in REFERENCES)
    lengths = {len(clean_caption(hypothesis).split()) for hypothesis in HYPOTHESES}
    assert {0, 1, 2, 3} <= lengths
    assert max(lengths) > 20


def test_capitals_and_punctuation_do_not_count():
    shouted = [[text.upper() + " !" for text in texts] for texts in REFERENCES]
    quoted = [f'"{text}" - ...' for text in HYPOTHESES]
    assert score_captions(quoted, shouted) == score_captions(HYPOTHESES, REFERENCES)


def test_one_letter_words_count():
    assert score_captions(["a dog"], [["a dog"]])["bleu_1"] == 100
    assert score_captions(["dog"], [["a dog"]])["bleu_1"] < 50


def test_perfect_captions():
    captions = ["a red ball on the grass", "two boats at sea near an island", "a cat in a box"]
    scores = score_captions(captions, [[caption] for caption in captions])
    assert [scores[f"bleu_{n}"] for n in (1, 2, 3, 4)] == pytest.approx([100] * 4)
    assert scores["rouge_l"] == pytest.approx(100)
    assert scores["cider_d"] == pytest.approx(1000)


@pytest.mark.parametrize("hypothesis", ["", " ?! ", "nothing fits here at all"])
def test_hopeless_captions_score_zero_without_warnings(hypothesis):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_captions([hypothesis] * 2, [["a dog runs"], ["two cats sit", "cats"]])
    # The toolkit's smoothing leaves next to nothing.
    assert list(scores.values()) == pytest.approx([0] * 6, abs=1e-6)


def test_human_ceiling_is_the_mean_over_the_turns():
    references = [texts[:3] for texts in REFERENCES]
    turns = [
        score_captions([t[0] for t in references], [[t[1], t[2]] for t in references]),
        score_captions([t[1] for t in references], [[t[0], t[2]] for t in references]),
        score_captions([t[2] for t in references], [[t[0], t[1]] for t in references]),
    ]
    ceiling = human_ceiling(references)
    for name, score in ceiling.items():
        assert score == pytest.approx(np.mean([turn[name] for turn in turns]))
    assert list(ceiling) == list(turns[0])


def test_bootstrap_intervals_hold_the_scores_and_are_the_same_every_time():
    scores, intervals = score_captions(HYPOTHESES, REFERENCES), {}
    for seed in (0, 1):
        intervals[seed] = bootstrap_intervals(HYPOTHESES, REFERENCES, seed)
        assert list(intervals[seed]) == list(scores)
        for name, (low, high) in intervals[seed].items():
            assert low < scores[name] < high
    assert bootstrap_intervals(HYPOTHESES, REFERENCES) == intervals[0] != intervals[1]


def test_bootstrap_by_hand(monkeypatch):
    monkeypatch.setattr("utils.metrics.resampling.RESAMPLES", 40)
    rng, count = np.random.default_rng(3), len(HYPOTHESES)
    rows = [rng.integers(count, size=count) for _ in range(40)]
    found = bootstrap_intervals(HYPOTHESES, REFERENCES, 3)
    # CIDEr-D's document frequencies stay those of all pictures.
    cider = 100 * cider_d_scores(HYPOTHESES, REFERENCES)
    means = [cider[drawn].mean() for drawn in rows]
    assert found["cider_d"] == pytest.approx(np.percentile(means, [2.5, 97.5]))
    drawn = [score_captions([HYPOTHESES[i] for i in r], [REFERENCES[i] for i in r]) for r in rows]
    for name in ("bleu_1", "bleu_4", "rouge_l"):
        scores = [each[name] for each in drawn]
        assert found[name] == pytest.approx(np.percentile(scores, [2.5, 97.5]))


def test_fewer_pictures_make_wider_intervals():
    def width(copies):
        low, high = bootstrap_intervals(HYPOTHESES * copies, REFERENCES * copies)["rouge_l"]
        return high - low

    assert width(9) == pytest.approx(width(1) / 3, rel=0.1)  # as one over the square root


def test_perfect_captions_leave_nothing_to_chance():
    captions = ["a red ball on the grass", "two boats at sea near an island", "a cat in a box"]
    intervals = bootstrap_intervals(captions, [[caption] for caption in captions])
    assert intervals["bleu_4"] == pytest.approx([100, 100])
    assert intervals["cider_d"] == pytest.approx([1000, 1000])


def test_protocol_errors_move_the_scores_the_known_way():
    table = protocol_errors(HYPOTHESES, REFERENCES)
    correct = table.loc["correct"]
    expected = score_captions(HYPOTHESES, REFERENCES)
    assert correct.to_dict() == pytest.approx({name: expected[name] for name in table.columns})
    assert (table.loc["start and end words left in"] > correct).all()
    assert (table.loc["strings instead of word lists", ["bleu_3", "bleu_4"]] > correct[2:]).all()
    assert (table.loc["one reference only"] < correct).all()
    weights = table.loc["BLEU-3 weights (0.3, 0.3, 0.3)"]
    assert weights["bleu_3"] > correct["bleu_3"]
    assert weights.drop("bleu_3").equals(correct.drop("bleu_3"))


def test_dropping_one_letter_words_costs_points():
    table = protocol_errors(["a dog runs on a field"], [["a dog plays in a field"]])
    assert table.loc["one-letter words dropped", "bleu_1"] < table.loc["correct", "bleu_1"]


@pytest.mark.parametrize(
    "hypotheses, references, message",
    [
        (["a"], [["a"], ["b"]], "1 hypotheses for 2 pictures"),
        ([], [], "no references"),
        (["a", "b"], [["a"], []], "Picture 1 has no reference"),
        (["a"], [["...", ""]], "Picture 0 has no reference"),
        ([None], [["a"]], "None"),
        ([float("nan")], [["a"]], "nan"),
        ([["a", "dog"]], [["a dog"]], "strings only"),
        ("a", [["a"]], "list of strings"),
        (["a dog"], ["a dog"], "references of picture 0"),
        (["a dog"], [None], "references of picture 0"),
        (["a dog"], [[["a", "dog"]]], "references of picture 0"),
    ],
)
@pytest.mark.parametrize(
    "function",
    [score_captions, rouge_l_scores, cider_d_scores, protocol_errors, bootstrap_intervals],
)
def test_bad_input_is_one_clear_sentence(function, hypotheses, references, message):
    with pytest.raises(CourseError, match=message):
        function(hypotheses, references)


@pytest.mark.parametrize("references", [[], [["a dog"]], ["a dog"], [["a", "b"], ["c"]]])
def test_human_ceiling_needs_two_references(references):
    with pytest.raises(CourseError):
        human_ceiling(references)


def test_nothing_is_changed_in_the_caller_s_lists():
    hypotheses, references = ["A dog."], [["A dog!", "The dog"]]
    score_captions(hypotheses, references)
    human_ceiling(references)
    protocol_errors(hypotheses, references)
    assert (hypotheses, references) == (["A dog."], [["A dog!", "The dog"]])


def raw_references(archive):
    """What people wrote about Flickr8k's test pictures, as they typed it."""
    with zipfile.ZipFile(archive) as files:
        lines = files.read("Flickr8k.token.txt").decode("utf-8").splitlines()
        images = files.read("Flickr_8k.testImages.txt").decode("utf-8").split()
    references = {image: [] for image in images}
    for line in lines:
        name, text = line.split("\t")
        references.get(name.split("#")[0], []).append(text)
    return list(references.values())


@pytest.mark.skipif(
    "CAPTION_ARCHIVES" not in os.environ, reason="CAPTION_ARCHIVES names no folder of Flickr8k"
)
def test_one_person_against_the_others_on_flickr8k():
    # Measured when all scores of twelve published models' captions equalled the toolkit's to 0.004.
    references = raw_references(Path(os.environ["CAPTION_ARCHIVES"]) / "Flickr8k_text.zip")
    expected = [64.713, 45.732, 31.411, 21.399, 49.538, 82.327]
    assert list(human_ceiling(references).values()) == pytest.approx(expected, abs=1e-3)
