"""Captions as words and words as numbers: cleaning, vocabulary, tokens (notebooks 01 and 03)."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PADDING, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL_TOKENS = ("<padding>", "<start>", "<end>", "<unknown>")

# Scripts that are written without blanks between words: Chinese characters, Japanese kana, Thai,
# Lao, Burmese, Khmer. The marks above and below belong to the letter before them.
_MARKS = "".join(c for c in map(chr, range(0xE00, 0x1800)) if unicodedata.category(c)[0] == "M")
_LETTERS = (
    "\u3005-\u3007\u3040-\u3098\u309b-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_LETTERS += "\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_MARKS += "\u3099\u309a"
_CHARACTER = re.compile(f"[{_LETTERS}][{_MARKS}]*")
_BETWEEN = re.compile(f"(?<=[{_LETTERS}{_MARKS}]) (?=[{_LETTERS}])")


def clean_caption(text: str) -> str:
    """Return a caption in lower case, without punctuation, its words separated by one space.

    Punctuation is deleted, not replaced by a space: "man's" becomes "mans" and "t-shirt" becomes
    "tshirt". Digits, accented letters and one-letter words stay: "a" is every seventh word of
    Flickr8k, and a cleaner that drops it trains a model that cannot say "a".

    Where a script has no blanks between words (Chinese, Japanese, Thai), every character is a word;
    `join_characters` is for showing them. The Turkish \u0130 becomes the common i.

    Args:
        text: One caption as somebody typed it.

    Returns:
        The cleaned caption, a string; empty if `text` holds neither letters nor digits.

    Source: Hodosh, Young and Hockenmaier, JAIR 47 (2013) for the captions; the cleaning is that of
    most published Flickr8k experiments. Taught in notebook 01.
    """
    words = lower_case(text).translate(_REPLACEMENTS).split()
    # Composed last, so that "e" + combining acute and "é" are one and the same word.
    cleaned = unicodedata.normalize("NFC", " ".join(words))
    return cleaned if cleaned.isascii() else cut_characters(cleaned)


def lower_case(text: str) -> str:
    """Return a text in lower case; the Turkish \u0130 is an i, and not an i with a second dot."""
    return text.lower().replace("i\u0307", "i")


def cut_characters(text: str) -> str:
    """Put blanks around each character of the scripts that have none between words."""
    return " ".join(_CHARACTER.sub(r" \g<0> ", text).split())


def join_characters(caption: str) -> str:
    """Take out again the blanks that `clean_caption` put between characters, for showing."""
    return _BETWEEN.sub("", caption)


def counted_by(captions: Iterable[str]) -> str:
    """Tell what captions are cut into, and so scored by.

    Args:
        captions: Cleaned, or as somebody typed them.

    Returns:
        "words"; "characters" if most of what the captions are cut into are characters of scripts
        without blanks.
    """
    text = clean_caption(" ".join(captions))
    words = len(text.split())
    return "characters" if 2 * len(_CHARACTER.findall(text)) > words else "words"


class _Replacements(dict):
    # A table for str.translate that works out each character once, when it first meets it.
    def __missing__(self, code):
        character = chr(code)
        if "\uff01" <= character <= "\uffee":  # wide Latin letters and narrow kana are no others
            plain = unicodedata.normalize("NFKC", character)
            self[code] = lower_case(plain).translate(self)
            return self[code]
        # Unicode's categories: L letters, N numbers, Mn and Mc accents and vowel signs.
        category = unicodedata.category(character)
        if category[0] in "LN" or category in ("Mn", "Mc"):
            # Variation selectors count as accents, but only say how to draw the emoji before them.
            # So do those of Chinese characters, which choose among ways to draw them.
            drawing = "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0100"
            self[code] = None if drawing else character
        elif category[0] == "Z" or category in ("Cc", "So") or character in "–—―\u0f0b\u1361":
            # Spaces of any width, tabs and line feeds, emoji and long dashes stand between words;
            # so do the marks of Tibetan and Ethiopic, which have no blanks.
            self[code] = " "
        else:
            self[code] = None
        return self[code]


_REPLACEMENTS = _Replacements()


@dataclass(frozen=True)
class Vocabulary:
    """The words a captioner knows; a word's index is its token.

    Tokens 0 to 3 are padding, start, end and unknown; words follow, the most frequent first. One
    that goes on from another has all words of the other before its own.
    """

    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def tokens(self) -> dict[str, int]:
        """Dict from word to token."""
        return {word: token for token, word in enumerate(self.words)}

    def encode(self, captions: Iterable[str]) -> np.ndarray:
        """Turn captions into tokens, padded at the right; they are cleaned first.

        Padding goes to the right because the LSTM reads from the left: it has finished with the
        caption when the padding comes.

        Args:
            captions: N captions, cleaned or as somebody typed them.

        Returns:
            int32 [N, T]: start, the words, end, then padding; T is the longest caption plus 2.
        """
        rows = [
            [START, *(self.tokens.get(word, UNKNOWN) for word in words.split()), END]
            for words in map(clean_caption, captions)
        ]
        tokens = np.full((len(rows), max(map(len, rows), default=0)), PADDING, np.int32)
        for row, numbers in zip(tokens, rows, strict=True):
            row[: len(numbers)] = numbers
        return tokens

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """Turn one row of tokens into a caption: the words between start and end.

        Args:
            tokens: int [T].

        Returns:
            The caption, a string without special tokens (an unknown word shows as <unknown>).
        """
        words = []
        for token in tokens:
            if token == END:
                break
            if token not in (PADDING, START):
                words.append(self.words[token])
        return " ".join(words)


def extend_vocabulary(known: Vocabulary, own: Vocabulary) -> Vocabulary:
    """Return all words of `known` with their tokens, then those that only `own` has.

    Taught in notebook 05.
    """
    new = tuple(word for word in own.words if word not in known.tokens)
    return Vocabulary(known.words + new)


def build_vocabulary(captions: Iterable[str], min_count: int) -> Vocabulary:
    """Collect the words seen at least `min_count` times, the most frequent first.

    Args:
        captions: Cleaned captions of the train split (and of no other).
        min_count: Rarer words become the unknown token.

    Returns:
        A `Vocabulary`. Taught in notebook 03.
    """
    counts = Counter(word for caption in captions for word in caption.split())
    frequent = [(word, count) for word, count in counts.items() if count >= min_count]
    # Equally frequent words in alphabetical order: the same captions give the same tokens.
    frequent.sort(key=lambda item: (-item[1], item[0]))
    return Vocabulary(SPECIAL_TOKENS + tuple(word for word, _ in frequent))
