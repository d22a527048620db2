"""Counting n-grams, which BLEU and CIDEr-D compare."""

from collections.abc import Sequence

MAX_N = 4  # the longest n-grams that BLEU and CIDEr-D look at


def count_ngrams(words: Sequence[str]) -> list[dict[str, int]]:
    """Return four dicts: how often each 1-gram, 2-gram, 3-gram and 4-gram occurs."""
    ngrams: Sequence[str] = words
    counts: list[dict[str, int]] = []
    for n in range(1, MAX_N + 1):
        counts.append({})
        for ngram in ngrams:
            counts[-1][ngram] = counts[-1].get(ngram, 0) + 1
        ngrams = [f"{ngram} {word}" for ngram, word in zip(ngrams, words[n:], strict=False)]
    return counts
