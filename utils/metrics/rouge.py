"""ROUGE-L: how long a sequence of words a caption shares with a reference."""

from collections.abc import Sequence

import numpy as np

from utils.metrics.protocol import split_pairs

BETA = 1.2  # above 1, recall counts more than precision


def rouge_l_scores(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """ROUGE-L of each caption: how long a word sequence it shares, in order, with a reference.

    Precision is the length of the longest common subsequence over the length of the hypothesis,
    recall the same over that of the reference. As in the COCO toolkit the best precision and the
    best recall over the references are combined, even if two different references give them.

    Args:
        hypotheses: A list of N strings.
        references: A list of N lists of strings.

    Returns:
        float64 [N], from 0 to 1.

    Raises:
        CourseError: As in `score_captions`.

    Source: Lin, "ROUGE", ACL workshop 2004. Taught in notebook 06.
    """
    scores = []
    for hypothesis, texts in zip(*split_pairs(hypotheses, references), strict=True):
        common = [_longest_common_subsequence(hypothesis, text) for text in texts]
        if max(common) == 0:
            scores.append(0.0)
            continue
        precision = max(common) / len(hypothesis)
        recall = max(c / len(text) for c, text in zip(common, texts, strict=True) if text)
        scores.append((1 + BETA**2) * precision * recall / (recall + BETA**2 * precision))
    return np.array(scores)


def _longest_common_subsequence(first, second):
    # A word that only one of the two has is in no common subsequence.
    first = [word for word in first if word in second]
    second = [word for word in second if word in first]
    # row[j]: length for the words of `first` so far and the first j words of `second`.
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for j, other in enumerate(second, 1):
            above = row[j]
            row[j] = diagonal + 1 if word == other else max(above, row[j - 1])
            diagonal = above
    return row[-1]
