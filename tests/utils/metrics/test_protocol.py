"""How sentences are cut, seen through the scores."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from utils.metrics import CiderD, bleu_4_scores, rouge_l_scores, score_captions

GOLDEN = json.loads(Path(__file__).with_name("golden_captions.json").read_text("utf-8"))
HYPOTHESES = [picture["hypothesis"] for picture in GOLDEN["pictures"]]
REFERENCES = [picture["references"] for picture in GOLDEN["pictures"]]


def scores_beside_dogs(hypothesis, reference):
    """BLEU-1, BLEU-4 and CIDEr-D with a second picture, so that words tell something."""
    scores = score_captions([hypothesis, "two dogs run"], [[reference], ["Two dogs run."]])
    return [scores[name] for name in ("bleu_1", "bleu_4", "cider_d")]


def same(hypothesis, reference):
    return scores_beside_dogs(hypothesis, reference)[0] == pytest.approx(100)


@pytest.mark.parametrize(
    "hypothesis, reference, expected",
    [
        ("a man 's hat", "A man's hat.", [100, 100, 875]),
        ("a dog and a cat", "A dog,and a cat.", [100, 100, 875]),
        ("a 35 metre wall", "A 3.5 metre wall.", [85.7, 0, 510.4]),
    ],
)
def test_raw_sentences_are_cut_as_the_toolkit_cuts_them(hypothesis, reference, expected):
    scores = scores_beside_dogs(hypothesis, reference)
    assert scores == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    "cut, typed",
    [
        ("a dog does n't sit", "A dog doesn't sit."),
        ("they 're here", "They’re here!"),
        ("a dog can not sit", "a dog cannot sit"),
        ("he is gon na run", "He is gonna run"),
        ("the dogs run", "the dogs' run"),
        ("the irish o'connor pub", "The Irish O'Connor pub"),
        ("two dogs one cat", "Two dogs;one cat"),
        ("a dog runs it is wet", "A dog runs. It is wet."),
        ("a u.s. flag waves", "A U.S. flag waves."),
        ("mr. smith waves", "Mr. Smith waves."),
        ("at 10:30 with 1,000 people", "At 10:30, with 1,000 people."),
        ("a black and white t shirt", "A black-and-white T-shirt"),
        ("a dog -lrb- wet -rrb- runs", "A dog (wet) runs."),
        ("50 % off", "50% off"),
        ("dog and cat", "“Dog” — and … ‘cat’"),
        ("a dog in the café", unicodedata.normalize("NFD", "A dog in the CAFÉ.")),
        ("यह एक हिन्दी वाक्य", "यह एक हिन्दी वाक्य"),
        ("a red dog", "a\tred\n dog 🙂"),
    ],
)
def test_words_of_typed_sentences(cut, typed):
    # Both ways: a word of one sentence that the other does not have would show in one of them.
    assert same(cut, typed)
    assert same(typed, cut)


@pytest.mark.parametrize("typed", ["A 3.5 metre wall", "A T-shirt.", "the man's dog"])
def test_cut_differently_does_not_fit(typed):
    assert not same(typed.lower().replace("-", "").replace(".", "").replace("'", ""), typed)


@pytest.mark.parametrize(
    "marked",
    [
        "<start> {} <end> <padding>",
        "<s> {} </s> <pad><pad>",
        "<sos>{}<eos>",
        "<BOS> {} <EOS> <PAD>",
        "startseq {} endseq",
        "<startseq> {} <endseq>",
        "<|startoftext|>{}<|endoftext|>",
        "<start_of_caption> {} <end_of_caption>",
        "[CLS] {} [SEP] [PAD]",
        "<go> {} </s>",
    ],
)
def test_start_end_and_padding_marks_do_not_count(marked):
    expected = score_captions(HYPOTHESES, REFERENCES)
    assert score_captions([marked.format(text) for text in HYPOTHESES], REFERENCES) == expected
    references = [[marked.format(text) for text in texts] for texts in REFERENCES]
    assert score_captions(HYPOTHESES, references) == expected
    assert bleu_4_scores([marked.format("a dog runs on")], [["a dog runs on"]]) == pytest.approx(1)


@pytest.mark.parametrize("words", ["start end", "pad go stop", "s eos", "unknown"])
def test_ordinary_words_that_look_like_marks_are_words(words):
    assert rouge_l_scores([words], [[words]]) == pytest.approx([1])
    assert rouge_l_scores(["a dog"], [["a dog " + words]])[0] < 1


@pytest.mark.parametrize("mark", ["<unk>", "<unknown>", "<UNK>"])
def test_an_unknown_word_is_a_word_that_is_wrong(mark):
    scores = score_captions([f"a {mark} runs"], [["a dog runs", "the unknown unk"]])
    assert scores["bleu_1"] == pytest.approx(100 * 2 / 3)


def test_fast_path_and_tokenizer_give_the_same_words():
    # A full stop sends a sentence through the tokenizer, which plain words do not need.
    plain = ["a dog runs in 2 fields", "two 4x4 cars and the 2nd bus", "cannot gonna", "1 2 3"]
    reward = CiderD([[text] for text in plain])
    typed = reward.scores([text.capitalize() + "." for text in plain])
    assert reward.scores(plain) == pytest.approx(typed)
    assert min(typed) > 0


def test_metrics_load_no_tensorflow():
    code = (
        "import sys, utils.metrics; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
