"""CIDEr-D: how near a caption comes to its references, rare n-grams counting more."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from utils.errors import CourseError
from utils.metrics.ngrams import MAX_N, count_ngrams
from utils.metrics.protocol import split_references, split_sentences

SIGMA = 6.0  # the difference in length, in words, that is still forgiven
# Pictures whose n-grams are kept, 26 KB each with five references; beyond them they are counted
# anew when they are asked for, which takes a tenth of a millisecond.
KEPT = 10_000


def cider_d_scores(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """CIDEr-D of each caption, document frequencies taken from `references`.

    Args:
        hypotheses: A list of N strings.
        references: A list of N lists of strings.

    Returns:
        float64 [N], from 0 to 10 as in the COCO toolkit, whose CIDEr-D is their mean; all 0 if
        N is 1, because a word that every picture of the set has tells nothing.

    Raises:
        CourseError: As in `score_captions`.

    Source: Vedantam, Zitnick and Parikh, CVPR 2015. Taught in notebook 06.
    """
    return CiderD(references).scores(hypotheses)


class CiderD:
    """CIDEr-D against fixed references, whose n-grams are weighed once.

    A caption is a vector with one entry per n-gram: how often it occurs, times its inverse
    document frequency, log(N / number of pictures whose references have it). What every picture's
    captions say ("a", "in the") weighs little, what only this picture's say weighs much. The score
    is the cosine of the angle to the vectors of the references, with two brakes against captions
    that play the metric (the D of CIDEr-D): no n-gram counts more often than the reference has it,
    and a difference in length is punished.

    Args:
        references: A list of N lists of strings.

    Raises:
        CourseError: As in `score_captions`.

    Source: Vedantam, Zitnick and Parikh, CVPR 2015. Taught in notebook 06.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        split_references(references)  # refuses what cannot be scored
        self.references = [list(texts) for texts in references]
        self._counts_of = lru_cache(KEPT)(self._count)
        self._vectors_of = lru_cache(KEPT)(self._weigh)
        # An n-gram that no reference has weighs as much as one that a single picture has. Most
        # belong to a single picture, so the table holds the others only. COCO has 18 million: what
        # may be seen twice is found among their hashes, and only that is counted by name.
        rows = range(len(self.references))
        hashes = (hash(ngram) for row in rows for ngram in self._ngrams(row))
        seen = np.sort(np.fromiter(hashes, np.int64))
        repeated = set(np.unique(seen[1:][seen[1:] == seen[:-1]]).tolist())
        frequencies = Counter(g for row in rows for g in self._ngrams(row) if hash(g) in repeated)
        self.log_pictures = math.log(len(self.references))
        self.idf = {g: self.log_pictures - math.log(df) for g, df in frequencies.items() if df > 1}

    def scores(
        self, hypotheses: Sequence[str], pictures: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """Score hypotheses, several per picture if need be.

        Args:
            hypotheses: A list of M strings.
            pictures: int [M], the row in the references that each hypothesis belongs to;
                without it M is N, one hypothesis per picture in order.

        Returns:
            float64 [M], from 0 to 10.

        Raises:
            CourseError: The lengths differ, a row is out of range, a hypothesis is no string.
        """
        captions = split_sentences(hypotheses, "hypotheses")
        rows = range(len(self.references)) if pictures is None else pictures
        if len(captions) != len(rows):
            raise CourseError(
                f"There are {len(captions)} hypotheses for {len(rows)} pictures: give one each."
            )
        self._check_rows(rows)
        places: dict[int, list[int]] = {}  # the hypotheses of a picture are compared together
        for place, row in enumerate(rows):
            places.setdefault(int(row), []).append(place)
        scores = np.zeros(len(captions))
        for row, own in places.items():
            scores[own] = self._compare([captions[place] for place in own], [row]).mean(axis=1)
        return scores

    def similarities(self, hypotheses: Sequence[str], pictures: Sequence[int]) -> np.ndarray:
        """Compare each of K hypotheses with every reference of some pictures, as a matrix.

        Args:
            hypotheses: A list of K strings.
            pictures: int, rows in the references.

        Returns:
            float64 [K, R], from 0 to 10, the references of a picture side by side. The mean over
            those of one picture is what `scores` returns.

        Raises:
            CourseError: A row is out of range, a hypothesis is no string.
        """
        self._check_rows(pictures)
        return self._compare(split_sentences(hypotheses, "hypotheses"), pictures)

    def _check_rows(self, rows):
        if len(rows) and not 0 <= min(rows) <= max(rows) < len(self.references):
            raise CourseError(f"Picture rows must lie between 0 and {len(self.references) - 1}.")

    def _compare(self, captions, pictures):
        """Compute `similarities` of K captions, cut into words, with R references."""
        counts = [count_ngrams(words) for words in captions]
        orders = {ngram: n for texts in counts for n in range(MAX_N) for ngram in texts[n]}
        others = [text for row in pictures for text in self._vectors_of(row)]
        theirs = _dense([texts for _, texts, _ in others], list(orders))  # [R, U]
        idf = np.array([self.idf.get(ngram, self.log_pictures) for ngram in orders])
        # A row of products times this: weighted, and summed for each n by itself.
        sums = idf[:, None] ** 2 * np.eye(MAX_N)[list(orders.values())]  # [U, 4]
        own = _dense(counts, list(orders))
        products = np.zeros((len(own), len(theirs), MAX_N))
        for row, product in zip(own, products, strict=True):  # no array [K, R, U]
            product[:] = np.minimum(row, theirs) * theirs @ sums
        own_norms = np.array([self._norms(texts) for texts in counts]).reshape(-1, 1, MAX_N)
        norms = own_norms * np.array([norms for *_, norms in others]).reshape(-1, MAX_N)
        cosines = np.divide(products, norms, out=np.zeros_like(products), where=products > 0)
        lengths = np.array([len(words) for words in captions])[:, None]
        apart = lengths - np.array([length for length, *_ in others])
        return 10 * cosines.mean(axis=2) * np.exp(-(apart**2) / (2 * SIGMA**2))

    def _count(self, row):
        """Return length and n-gram counts of each reference of a picture."""
        texts = split_sentences(self.references[row], "references")
        return [(len(words), count_ngrams(words)) for words in texts]

    def _ngrams(self, row):
        """Return the n-grams that the references of a picture have."""
        return set().union(*(same_n for _, counts in self._counts_of(row) for same_n in counts))

    def _weigh(self, row):
        """Return length, n-gram counts and norms of each reference of a picture."""
        return [(length, counts, self._norms(counts)) for length, counts in self._counts_of(row)]

    def _norms(self, counts):
        """Return the Euclidean norms of a text's four vectors, n = 1 to 4."""
        idf, rare = self.idf.get, self.log_pictures
        return [math.hypot(*[c * idf(g, rare) for g, c in same_n.items()]) for same_n in counts]


def _dense(texts, ngrams):
    """Return how often each of N texts has each of U n-grams, float64 [N, U]."""
    columns = {ngram: column for column, ngram in enumerate(ngrams)}
    table = np.zeros((len(texts), len(columns)))
    for row, counts in zip(table, texts, strict=True):
        for same_n in counts:
            for ngram in same_n.keys() & columns.keys():
                row[columns[ngram]] = same_n[ngram]
    return table
