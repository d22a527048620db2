"""Scores against golden figures, known cases and bad input.

The figures in golden_captions.json were obtained from the pure-Python classes Bleu, Rouge and
Cider of pycocoevalcap 1.2 (its Cider computes CIDEr-D), given these sentences after clean_caption.
They are on the scale of that package: 0 to 1, CIDEr-D 0 to 10.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from utils.errors import CourseError
from utils.metrics import (
    CiderD,
    bleu_4_scores,
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


def test_corpus_scores_equal_the_coco_toolkit():
    scores = score_captions(HYPOTHESES, REFERENCES)
    assert list(scores) == ["bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d"]
    for name, golden in GOLDEN["scores"].items():
        assert scores[name] / 100 == pytest.approx(golden, abs=1e-6), name


@pytest.mark.parametrize(
    "name, function", [("rouge_l", rouge_l_scores), ("cider_d", cider_d_scores)]
)
def test_picture_scores_equal_the_coco_toolkit(name, function):
    golden = [picture[name] for picture in GOLDEN["pictures"]]
    np.testing.assert_allclose(function(HYPOTHESES, REFERENCES), golden, atol=1e-6)


def test_golden_set_is_wide_enough():
    assert len(REFERENCES) >= 20
    assert all(len(texts) == 5 for texts in REFERENCES)
    lengths = {len(clean_caption(hypothesis).split()) for hypothesis in HYPOTHESES}
    assert {0, 1, 2, 3} <= lengths
    assert max(lengths) > 20


def test_raw_and_cleaned_sentences_score_the_same():
    cleaned = [clean_caption(text) for text in HYPOTHESES]
    shouted = [[text.upper() + " !" for text in texts] for texts in REFERENCES]
    assert score_captions(cleaned, shouted) == score_captions(HYPOTHESES, REFERENCES)


def test_start_and_end_tokens_do_not_count():
    expected = score_captions(HYPOTHESES, REFERENCES)
    bracketed = [f"<start> {text} <end> <padding>" for text in HYPOTHESES]
    assert score_captions(bracketed, REFERENCES) == expected
    tutorial = [[f"startseq {text} endseq" for text in texts] for texts in REFERENCES]
    assert score_captions(HYPOTHESES, tutorial) == expected
    # Ordinary words that look alike are words.
    assert score_captions(["start end"], [["start end"]])["bleu_2"] == 100


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
    assert set(scores.values()) == {0.0}


def test_no_matching_pair_of_words_makes_bleu_2_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_captions(["dog a the"], [["the big dog", "a dog"]])
    assert scores["bleu_1"] == pytest.approx(100)
    assert scores["bleu_2"] == scores["bleu_3"] == scores["bleu_4"] == 0


def test_bleu_brevity_penalty_takes_the_shorter_of_two_equally_close_references():
    # Four words against references of three and five: no penalty, for three is the closest.
    references = [["one two three", "one two three four five"]]
    assert score_captions(["one two three four"], references)["bleu_1"] == pytest.approx(100)
    short = score_captions(["one two"], [["one two three"]])["bleu_1"]
    assert short == pytest.approx(100 * math.exp(1 - 3 / 2))


def test_rouge_l_by_hand():
    # The longest common subsequence is "a dog the grass": 4 of 5 words, and 4 of 6.
    (score,) = rouge_l_scores(["a dog on the grass"], [["a big dog in the grass"]])
    precision, recall = 4 / 5, 4 / 6
    assert score == pytest.approx(2.44 * precision * recall / (recall + 1.44 * precision))


def test_bleu_4_of_single_captions_by_hand():
    references = [["a dog runs over the grass"], ["a dog runs over the grass"]]
    scores = bleu_4_scores(["a dog runs over the grass", "a dog runs on the grass"], references)
    assert scores[0] == pytest.approx(1)
    # 5 of 6 words, 3 of 5 pairs, 1 of 4 triples, 0 of 3 fours; one more of each from the pairs on.
    assert scores[1] == pytest.approx((5 / 6 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25)


def test_cider_d_by_hand():
    # One word per text: only n = 1 of four counts; an equal word gives cosine 1, a tenfold 10.
    scores = cider_d_scores(["dog", "dog"], [["dog"], ["cat", "bird"]])
    assert scores == pytest.approx([10 / 4, 0])
    # "dog dog" has the same direction but is clipped to one dog (1/2), and a word too long.
    (score, _) = cider_d_scores(["dog dog", "cat"], [["dog"], ["cat"]])
    assert score == pytest.approx(10 / 4 / 2 * math.exp(-1 / 72))


def test_words_of_every_picture_tell_nothing():
    assert cider_d_scores(["a dog"], [["a dog"]]) == pytest.approx([0])
    assert cider_d_scores(["a", "a"], [["a dog"], ["a cat"]]) == pytest.approx([0, 0])


def test_many_hypotheses_per_picture():
    metric = CiderD(REFERENCES)
    pictures = np.random.default_rng(0).integers(0, len(REFERENCES), 200)
    scores = metric.scores([HYPOTHESES[row] for row in pictures], pictures)
    assert scores == pytest.approx(cider_d_scores(HYPOTHESES, REFERENCES)[pictures])
    swapped = metric.scores([HYPOTHESES[0]] * 2, [1, 0])
    assert swapped[0] < swapped[1]
    assert metric.scores([], []).shape == (0,)


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
    "function", [score_captions, rouge_l_scores, cider_d_scores, protocol_errors]
)
def test_bad_input_is_one_clear_sentence(function, hypotheses, references, message):
    with pytest.raises(CourseError, match=message):
        function(hypotheses, references)


@pytest.mark.parametrize("pictures", [[25], [-1]])
def test_row_out_of_range(pictures):
    with pytest.raises(CourseError, match="between 0 and 24"):
        CiderD(REFERENCES).scores(["a dog"], pictures)


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
