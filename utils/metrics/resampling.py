"""The bootstrap: how much of a score, or of a gain, is due to the pictures of the test set."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from utils.errors import CourseError
from utils.metrics.bleu import bleu_counts, bleu_of_counts
from utils.metrics.cider_d import cider_d_scores
from utils.metrics.ngrams import MAX_N
from utils.metrics.protocol import split_pairs
from utils.metrics.rouge import rouge_l_scores

RESAMPLES = 1000  # test sets that the bootstrap draws
SCORES = (*(f"bleu_{n}" for n in range(1, MAX_N + 1)), "rouge_l", "cider_d")


def bootstrap_intervals(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], seed: int = 0
) -> dict[str, list[float]]:
    """Tell how much of a score is due to the pictures that happen to be in the test set.

    Draws 1,000 test sets of N pictures from the N that are there, with replacement, and scores the
    same captions on each: 95 of 100 such scores lie in the interval. Another training of the same
    model moves a score too; that is not in it.

    Args:
        hypotheses: A list of N strings.
        references: A list of N lists of strings. CIDEr-D keeps the document frequencies of all N.
        seed: Of the drawing.

    Returns:
        Dict from the names of `score_captions` to [low, high], times 100.

    Raises:
        CourseError: As in `score_captions`.

    Source: Efron, Annals of Statistics 7, 1979; for BLEU Koehn, EMNLP 2004. Taught in notebook 06.
    """
    table = _summands(hypotheses, references)
    return intervals_of(_scores_of_sets(table, draw_pictures(len(table), seed)))


def draw_pictures(count: int, seed: int = 0) -> np.ndarray:
    """Draw 1,000 test sets of as many pictures as there are, with replacement.

    Captioners that are scored on the same sets can be compared set by set: what makes a set easy
    or hard for both of them is not in their difference.

    Args:
        count: How many pictures there are, N.
        seed: Of the drawing.

    Returns:
        int64 [1000, N]: how often each picture is in each set; every row sums to N.
    """
    rng = np.random.default_rng(seed)
    sets = (rng.integers(count, size=count) for _ in range(RESAMPLES))
    return np.array([np.bincount(rows, minlength=count) for rows in sets])


def resampled_scores(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], drawn: np.ndarray
) -> pd.DataFrame:
    """Score the same captions on many test sets that are drawn from their pictures.

    BLEU is computed of n-grams counted over a whole set, so they are counted once per picture and
    then summed over each set; ROUGE-L and CIDEr-D are means over its pictures.

    Args:
        hypotheses: A list of N strings.
        references: A list of N lists of strings. CIDEr-D keeps the document frequencies of all N.
        drawn: int [S, N], how often each picture is in each of S sets, as `draw_pictures` returns
            it. A row of ones is the test set itself, which scores what `score_captions` returns.

    Returns:
        A DataFrame of S rows, one column per name of `score_captions`, times 100.

    Raises:
        CourseError: As in `score_captions`, or `drawn` is of another number of pictures.

    Sources: as those of `bootstrap_intervals`.
    """
    table = _summands(hypotheses, references)
    if np.shape(drawn)[1:] != (len(table),):
        raise CourseError(
            f"The test sets are drawn in the shape {np.shape(drawn)}: give a column for each of "
            f"{len(table)} pictures."
        )
    return _scores_of_sets(table, drawn)


def intervals_of(resampled: pd.DataFrame) -> dict[str, list[float]]:
    """Return where 95 of 100 rows lie: dict from column to [low, high].

    Args:
        resampled: What `resampled_scores` returned, a mean of several such tables, or the
            difference of two of the same sets: a paired comparison.
    """
    ends = np.percentile(resampled, [2.5, 97.5], axis=0).T.tolist()
    return dict(zip(resampled.columns, ends, strict=True))


def _summands(hypotheses, references):
    """Return what is summed over pictures, float64 [N, 12]: counts of BLEU, ROUGE-L, CIDEr-D."""
    counts = bleu_counts(*split_pairs(hypotheses, references))
    means = rouge_l_scores(hypotheses, references), cider_d_scores(hypotheses, references)
    return np.column_stack([counts, *means])


def _scores_of_sets(table, drawn):
    totals = drawn @ table
    means = 100 * totals[:, -2:] / drawn.sum(axis=1, keepdims=True)
    bleu = np.array([bleu_of_counts(total) for total in totals[:, :-2]])
    return pd.DataFrame(np.column_stack([bleu, means]), columns=list(SCORES))
