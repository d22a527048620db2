"""BLEU: which share of a caption's n-grams its references have."""

import math
from collections.abc import Sequence

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from utils.metrics.ngrams import MAX_N, count_ngrams
from utils.metrics.protocol import split_pairs

# The weights of the n-gram precisions in BLEU-1, BLEU-2, BLEU-3 and BLEU-4: equal, of sum 1.
BLEU_WEIGHTS = tuple((1 / n,) * n for n in range(1, MAX_N + 1))
TINY, SMALL = 1e-15, 1e-9  # what the COCO toolkit adds above and below a fraction


def corpus_bleu(
    hypotheses: Sequence[Sequence[str]],
    references: Sequence[Sequence[Sequence[str]]],
    weights: Sequence[Sequence[float]] = BLEU_WEIGHTS,
) -> list[float]:
    """BLEU-1 to 4 of a whole set of captions, smoothed as in the COCO toolkit.

    The toolkit adds 1e-15 to the n-grams that fit and 1e-9 to those that there are. That shows
    only where none fits: the precision is then a tiny number instead of 0, and if no caption is
    long enough to have any n-gram of an order, it is 1e-6 (a set of two-word captions that are all
    right gets BLEU-3 1.0 and BLEU-4 0.1 of 100).

    Args:
        hypotheses: N lists of words.
        references: N lists of lists of words. The brevity penalty compares the caption with the
            reference of the closest length, of two equally close ones with the shorter.
        weights: Of the n-gram precisions, one row per score.

    Returns:
        BLEU-1 to 4, times 100.

    Source: Papineni et al., ACL 2002. Taught in notebook 06.
    """
    return bleu_of_counts(bleu_counts(hypotheses, references).sum(axis=0), weights)


def bleu_counts(
    hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]
) -> np.ndarray:
    """Count in each caption what BLEU is computed from.

    Args:
        hypotheses: N lists of words.
        references: N lists of lists of words.

    Returns:
        int64 [N, 10]: the n-grams that a reference has, n = 1 to 4; all n-grams, n = 1 to 4; the
        words; the words of the reference of the closest length. BLEU of a set is `bleu_of_counts`
        of the sum over its captions.

    Taught in notebook 06.
    """
    rows = []
    for words, texts in zip(hypotheses, references, strict=True):
        counts, reference_counts = count_ngrams(words), [count_ngrams(text) for text in texts]
        correct = [
            sum(
                min(count, max(other[n].get(ngram, 0) for other in reference_counts))
                for ngram, count in counts[n].items()
            )
            for n in range(MAX_N)
        ]
        guessed = [max(len(words) - n, 0) for n in range(MAX_N)]
        closest = min((abs(len(text) - len(words)), len(text)) for text in texts)[1]
        rows.append([*correct, *guessed, len(words), closest])
    return np.array(rows)


def bleu_of_counts(
    counts: np.ndarray, weights: Sequence[Sequence[float]] = BLEU_WEIGHTS
) -> list[float]:
    """BLEU-1 to 4, times 100, of the sum [10] over what `bleu_counts` returned."""
    *ngrams, length, reference_length = counts.tolist()
    # Left out where it would not show: a perfect score is 100, not 99.9999999.
    precisions = [
        right / of if right else TINY / (of + SMALL)
        for right, of in zip(ngrams[:MAX_N], ngrams[MAX_N:], strict=True)
    ]
    ratio = (length + TINY) / (reference_length + SMALL)
    brevity = math.exp(1 - 1 / ratio) if length < reference_length else 1.0
    return [
        100 * brevity * math.prod(p**w for p, w in zip(precisions, row, strict=False))
        for row in weights
    ]


def bleu_4_scores(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """BLEU-4 of each caption by itself, smoothed, for comparing captions with each other.

    BLEU is a measure of whole test sets: a single caption often shares no four words in a row with
    its references. So 1 is added to the counts of n-grams from n = 2 on.

    Args:
        hypotheses: A list of N strings.
        references: A list of N lists of strings.

    Returns:
        float64 [N], from 0 to 1.

    Raises:
        CourseError: As in `score_captions`.

    Source: Lin and Och, COLING 2004. Taught in notebook 06.
    """
    add_one = SmoothingFunction().method2
    pairs = zip(*split_pairs(hypotheses, references), strict=True)
    return np.array(
        [sentence_bleu(texts, words, smoothing_function=add_one) for words, texts in pairs]
    )
