"""Captions as words and words as numbers: cleaning, vocabulary, tokens (notebooks 01 and 03)."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PADDING, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL_TOKENS = ("<padding>", "<start>", "<end>", "<unknown>")


def clean_caption(text: str) -> str:
    """Return a caption in lower case, without punctuation, its words separated by one space.

    Punctuation is deleted, not replaced by a space: "man's" becomes "mans" and "t-shirt" becomes
    "tshirt". Digits, accented letters and one-letter words stay: "a" is every seventh word of
    Flickr8k, and a cleaner that drops it trains a model that cannot say "a".

    Args:
        text: One caption as somebody typed it.

    Returns:
        The cleaned caption, a string; empty if `text` holds neither letters nor digits.

    Source: Hodosh, Young and Hockenmaier, JAIR 47 (2013) for the captions; the cleaning is that of
    most published Flickr8k experiments. Taught in notebook 03.
    """
    words = text.lower().translate(_REPLACEMENTS).split()
    # Composed last, so that "e" + combining acute and "é" are one and the same word.
    return unicodedata.normalize("NFC", " ".join(words))


class _Replacements(dict):
    # A table for str.translate that works out each character once, when it first meets it.
    def __missing__(self, code):
        character = chr(code)
        # Unicode's categories: L letters, N numbers, Mn and Mc accents and vowel signs.
        category = unicodedata.category(character)
        if category[0] in "LN" or category in ("Mn", "Mc"):
            # Variation selectors count as accents, but only say how to draw the emoji before them.
            self[code] = None if "\ufe00" <= character <= "\ufe0f" else character
        elif category[0] == "Z" or category in ("Cc", "So") or character in "–—―":
            # Spaces of any width, tabs and line feeds, emoji and long dashes stand between words.
            self[code] = " "
        else:
            self[code] = None
        return self[code]


_REPLACEMENTS = _Replacements()


@dataclass(frozen=True)
class Vocabulary:
    """The words a captioner knows; a word's index is its token.

    Tokens 0 to 3 are padding, start, end and unknown; words follow, the most frequent first.
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
