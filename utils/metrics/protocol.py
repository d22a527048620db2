"""The protocol of the published figures: how a sentence becomes the words that are scored.

The COCO caption toolkit cuts sentences with the PTB tokenizer of Stanford CoreNLP, a Java program,
and then removes punctuation. It leaves hyphenated words whole; yet the published figures of twelve
models for Flickr8k (Tanti, Gatt and Camilleri, 2018) come out only if they are cut as well, so
`split_words` cuts them. On Flickr8k's 40,460 raw captions, their hyphens made spaces, it equals the
toolkit.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

from utils.errors import CourseError
from utils.vocabulary import clean_caption, cut_characters, lower_case

# What a decoder or a tutorial puts around a caption is no part of it.
_MARKS = re.compile(
    r"<(?:start|end|sos|bos|eos|/?s|go|pad|padding|startseq|endseq|start_of_\w+|end_of_\w+)>"
    r"|<\|(?:startoftext|endoftext)\|>|\[(?:CLS|SEP|PAD|BOS|EOS)\]|\b(?:start|end)seq\b",
    re.IGNORECASE,
)

# The pieces of a sentence in lower case that are words. Punctuation is none, so it goes.
_LETTER = r"[a-z0-9_\x80-\U0010ffff]"
_END = rf"(?!{_LETTER})"
_WORDS = re.compile(
    rf"""
      </?[a-z][^<>]*> | -[lr][rsc]b-                       # <unk>; brackets that are cut already
    | (?<!{_LETTER})(?:
        (?:[a-z]\.)+{_END}                                 # u.s., j. smith
        | (?:mr|mrs|ms|dr|prof|st|mt|ave|jr|sr|vs|etc)\.   # abbreviations keep their full stop
        | no\.(?=\s\d)
        | o'[a-z]+ | ma'am
        | can(?=not{_END}) | (?:gon|wan)(?=na{_END}) | got(?=ta{_END}) | (?:gim|lem)(?=me{_END})
        | \.?\d+(?:[.,:]\d+)+{_END}                        # 3.5, 1,000, 10:30
      )
    | '(?:s|m|d|ll|re|ve){_END} | 'n' | '\d\ds?{_END}      # man 's, rock 'n' roll, '90s
    | [a-z]+(?=n't{_END}) | n't{_END}                      # do n't
    | {_LETTER}+(?:[./@]{_LETTER}+)*                       # dog, and/or; t-shirt is two words
    | [?!]{{2,}} | \*+ | [()\[\]{{}}\#$%&+=@/~^|\\<>]      # signs that the toolkit leaves in
    """,
    re.VERBOSE,
)
_BRACKETS = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
}

# Sentences of plain words only, as models write them and the notebooks' references are, are
# already cut at their spaces, unless one of these words is among them.
_PLAIN = re.compile(r"[a-z0-9 ]*").fullmatch
_NOT_PLAIN = frozenset(
    ("cannot", "gimme", "gonna", "gotta", "lemme", "wanna", "startseq", "endseq")
)


def split_words(sentence: str) -> list[str]:
    """Cut a sentence into the words that are scored, as the published figures have them.

    Args:
        sentence: What a person typed, a cleaned caption, or what a decoder returned.

    Returns:
        Words in lower case, without punctuation. Contractions are two words ("man's" is "man" and
        "'s", "cannot" is "can" and "not"), hyphened words as many as they join, numbers ("3.5")
        one. Start, end and padding marks of the common kinds (<start>, <eos>, <s>, <pad>, endseq,
        [SEP]) are left out. Marks of unknown words (<unk>, <unknown>) stay, one word each, which
        no reference has: the caption says something there. As in the toolkit, brackets stay too
        (as "-lrb-", "-rrb-": its list of punctuation has them in capitals, its words are in lower
        case), and so do doubled marks ("!!") and signs ("&").
    """
    if _PLAIN(sentence):
        words = sentence.split()
        if _NOT_PLAIN.isdisjoint(words):
            return words
    return list(_tokenize(sentence))


@lru_cache(maxsize=2**14)  # each metric asks for the same sentences: 1,000 pictures have 6,000
def _tokenize(sentence):
    text = unicodedata.normalize("NFC", lower_case(_MARKS.sub(" ", sentence)))
    if not text.isascii():
        text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        text = "".join(c if c.isascii() else _letter_or_space(c) for c in text)
        text = cut_characters(unicodedata.normalize("NFC", text))
    return tuple(_BRACKETS.get(word, word) for word in _WORDS.findall(text))


@cache
def _letter_or_space(character):
    # Letters and accents of any language stay; typographic quotes, dashes and emoji go. What joins
    # or parts letters within a word (Persian, Hindi) leaves no gap.
    return clean_caption(character) or ("" if character in "\u200c\u200d" else " ")


def split_pairs(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[list[list[str]], list[list[list[str]]]]:
    """Return the words of hypotheses and of references under the protocol, one row each."""
    texts = split_references(references)
    words = split_sentences(hypotheses, "hypotheses")
    if len(words) != len(texts):
        raise CourseError(
            f"There are {len(words)} hypotheses for {len(texts)} pictures: give one each."
        )
    return words, texts


def split_references(references: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """Return the words of every reference; each picture needs one with a word in it."""
    if len(references) == 0:
        raise CourseError("There are no references to score against: give at least one picture.")
    pictures = []
    for row, texts in enumerate(references):
        pictures.append(split_sentences(texts, f"references of picture {row}"))
        if not any(pictures[-1]):
            raise CourseError(
                f"Picture {row} has no reference with a word in it: give at least one."
            )
    return pictures


def split_sentences(sentences: Sequence[str], name: str) -> list[list[str]]:
    """Return the words of each sentence under the protocol; `name` is for the error messages."""
    # A string is a sequence of strings too: its letters would be scored as sentences.
    if isinstance(sentences, str) or not hasattr(sentences, "__len__"):
        raise CourseError(f"The {name} are {sentences!r}: give a list of strings.")
    for sentence in sentences:
        if not isinstance(sentence, str):
            raise CourseError(f"One of the {name} is {sentence!r}: give strings only.")
    return [split_words(sentence) for sentence in sentences]
