"""Captions in any script: made-up ones in Chinese, Japanese, Hindi, Arabic, Turkish and German."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.datasets.cleaning import _oddities
from utils.metrics import score_captions
from utils.metrics.protocol import split_words
from utils.vocabulary import (
    UNKNOWN,
    build_vocabulary,
    clean_caption,
    counted_by,
    join_characters,
)

CAPTIONS = {
    "Chinese": ("一只狗在草地上跑。", "一 只 狗 在 草 地 上 跑"),
    "Japanese": ("２匹の犬が、カメラの前を走る！", "2 匹 の 犬 が カ メ ラ の 前 を 走 る"),
    "narrow kana": ("ｶﾞﾗｽの犬", "ガ ラ ス の 犬"),
    "mixed": ("一只Labrador在T恤上", "一 只 labrador 在 t 恤 上"),
    "Hindi": ("एक कुत्ता घास पर दौड़ता है।", "एक कुत्ता घास पर दौड़ता है"),
    "Arabic": ("كَلْبٌ يَرْكُضُ، في العُشْبِ؟", "كَلْبٌ يَرْكُضُ في العُشْبِ"),
    "Persian": ("سگ می\u200cدود.", "سگ میدود"),
    "Turkish": ("İki köpek ve ISIRAN bir kedi.", "iki köpek ve isiran bir kedi"),
    "German": ("Ein süßer Hund läuft über die Straße.", "ein süßer hund läuft über die straße"),
    "Thai": ("หมาวิ่ง", "ห ม า วิ่ ง"),
    "Korean": ("개가 뛰어요.", "개가 뛰어요"),
    "Spanish": ("¿Qué? ¡Un «perro»!", "qué un perro"),
}


@pytest.mark.parametrize(("typed", "cleaned"), CAPTIONS.values(), ids=CAPTIONS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_caption_becomes_words_a_vocabulary_and_a_score(typed, cleaned, form):
    typed, cleaned = unicodedata.normalize(form, typed), unicodedata.normalize("NFC", cleaned)
    assert clean_caption(typed) == cleaned == clean_caption(cleaned)
    assert split_words(cleaned) == cleaned.split()
    assert _oddities(typed) == ""
    vocabulary = build_vocabulary([cleaned], 1)
    assert set(vocabulary.words[4:]) == set(cleaned.split())
    tokens = vocabulary.encode([typed])
    assert UNKNOWN not in tokens and vocabulary.decode(tokens[0]) == cleaned
    scores = score_captions([cleaned], [[typed]])
    assert scores["bleu_1"] == pytest.approx(100) and scores["rouge_l"] == pytest.approx(100)


def test_raw_and_cleaned_references_are_cut_alike():
    for name, (typed, cleaned) in CAPTIONS.items():
        assert split_words(typed) == split_words(cleaned), name


def test_turkish_i_is_one_word_however_it_is_typed():
    kinds = ("İSTANBUL", "istanbul", "I\u0307stanbul", "i\u0307stanbul", "İstanbul")
    assert {clean_caption(kind) for kind in kinds} == {"istanbul"}
    assert {tuple(split_words(kind)) for kind in kinds} == {("istanbul",)}
    assert clean_caption("ışık") == "ışık"  # the i without a dot is another letter


def test_characters_are_shown_without_blanks():
    assert join_characters("一 只 labrador 在 跑") == "一只 labrador 在跑"
    assert join_characters("が カ\u3099 ー 2 匹") == "がカ\u3099ー 2 匹"
    assert join_characters("ห ม า วิ่ ง") == "หมาวิ่ง"
    assert join_characters("a dog runs") == "a dog runs"


def test_the_unit_of_scores_is_what_most_captions_are_cut_into():
    for name, (typed, _) in CAPTIONS.items():
        unit = (
            "characters" if name in ("Chinese", "Japanese", "narrow kana", "mixed", "Thai") else ""
        )
        assert counted_by([typed]) == (unit or "words"), name
    assert counted_by(["a dog", "the word 犬 means dog"]) == "words"
    assert counted_by([]) == "words"


def test_marks_that_draw_and_marks_that_speak():
    assert clean_caption("葛\U000e0100飾 ❤\ufe0f") == "葛 飾"
    assert _oddities("a dog\ufe0f") != "" and _oddities("“a” dog") != "" and _oddities("★") != ""


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_is_typed_cleaning_comes_to_rest(text):
    cleaned = clean_caption(text)
    assert clean_caption(cleaned) == cleaned == " ".join(cleaned.split())
    assert clean_caption(join_characters(cleaned)) == cleaned
    if text.isascii():
        assert cleaned.isascii() and join_characters(cleaned) == cleaned
