"""Caption metrics: BLEU, ROUGE-L and CIDEr-D under the protocol of the published figures."""

import math
import re
from collections import Counter

import numpy as np
import pandas as pd
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu, sentence_bleu

from utils.errors import CourseError
from utils.vocabulary import clean_caption

MAX_N = 4  # the longest n-grams that BLEU and CIDEr-D look at
BETA = 1.2  # ROUGE-L: above 1, recall counts more than precision
# The weights of the n-gram precisions in BLEU-1, BLEU-2, BLEU-3 and BLEU-4: equal, of sum 1.
BLEU_WEIGHTS = tuple((1 / n,) * n for n in range(1, MAX_N + 1))
SIGMA = 6.0  # CIDEr-D: the difference in length, in words, that is still forgiven

# What a decoder or a tutorial puts around a caption is no part of it.
_MARKERS = re.compile(r"<(?:start|end|padding)>|\b(?:start|end)seq\b", re.IGNORECASE)


def score_captions(hypotheses, references):
    """Score captions as the literature does: BLEU-1 to 4, ROUGE-L and CIDEr-D.

    Takes sentences as they are and applies the protocol itself: lower case, no punctuation, no
    start and end tokens, one-letter words kept, all references of a picture. BLEU counts n-grams
    over the whole set of pictures; ROUGE-L and CIDEr-D are means over the pictures.

    Args:
        hypotheses: A list of N strings, one caption per picture; an empty one scores 0.
        references: A list of N lists of strings, what people wrote, five per picture as a rule.

    Returns:
        A dict of floats, all times 100: bleu_1, bleu_2, bleu_3, bleu_4, rouge_l, cider_d.

    Raises:
        CourseError: The lists are empty or differ in length, a picture has no reference with a
            word in it, or a sentence is not a string.

    Example:
        >>> score_captions(["a dog runs"], [["A dog runs.", "The dog is running."]])["bleu_1"]
        100.0

    Sources: Papineni et al. (ACL 2002), Lin (ACL workshop 2004), Vedantam et al. (CVPR 2015); the
    figures equal those of the COCO caption toolkit. Taught in notebook 06.
    """
    bleu = _bleu(*_split_pairs(hypotheses, references))
    return {
        **{f"bleu_{n}": score for n, score in enumerate(bleu, 1)},
        "rouge_l": 100 * float(rouge_l_scores(hypotheses, references).mean()),
        "cider_d": 100 * float(cider_d_scores(hypotheses, references).mean()),
    }


def bleu_4_scores(hypotheses, references):
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
    pairs = zip(*_split_pairs(hypotheses, references), strict=True)
    return np.array(
        [sentence_bleu(texts, words, smoothing_function=add_one) for words, texts in pairs]
    )


def rouge_l_scores(hypotheses, references):
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
    for hypothesis, texts in zip(*_split_pairs(hypotheses, references), strict=True):
        common = [_longest_common_subsequence(hypothesis, text) for text in texts]
        if max(common) == 0:
            scores.append(0.0)
            continue
        precision = max(common) / len(hypothesis)
        recall = max(c / len(text) for c, text in zip(common, texts, strict=True) if text)
        scores.append((1 + BETA**2) * precision * recall / (recall + BETA**2 * precision))
    return np.array(scores)


def cider_d_scores(hypotheses, references):
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
    """CIDEr-D against fixed references, whose n-gram vectors are worked out once.

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

    def __init__(self, references):
        self.references = []  # of each picture, of each of its references: length, n-gram counts
        frequencies = Counter()
        for texts in _split_references(references):
            self.references.append([(len(words), _count_ngrams(words)) for words in texts])
            for same_n in zip(*(counts for _, counts in self.references[-1]), strict=True):
                frequencies.update(set().union(*same_n))
        # An n-gram that no reference has weighs as much as one that a single picture has. Most
        # belong to a single picture, so the table holds the others only.
        self.log_pictures = math.log(len(self.references))
        self.idf = {g: self.log_pictures - math.log(df) for g, df in frequencies.items() if df > 1}
        self.norms = [[self._norms(counts) for _, counts in texts] for texts in self.references]

    def scores(self, hypotheses, pictures=None):
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
        hypotheses = _split_sentences(hypotheses, "hypotheses")
        rows = range(len(self.references)) if pictures is None else pictures
        if len(hypotheses) != len(rows):
            raise CourseError(
                f"There are {len(hypotheses)} hypotheses for {len(rows)} pictures: give one each."
            )
        if len(rows) and not 0 <= min(rows) <= max(rows) < len(self.references):
            raise CourseError(f"Picture rows must lie between 0 and {len(self.references) - 1}.")
        return np.array(
            [self._score(words, row) for words, row in zip(hypotheses, rows, strict=True)]
        )

    def _norms(self, counts):
        """Return the Euclidean norms of a text's four vectors, n = 1 to 4."""
        idf, rare = self.idf.get, self.log_pictures
        return [math.hypot(*[c * idf(g, rare) for g, c in same_n.items()]) for same_n in counts]

    def _score(self, words, picture):
        counts = _count_ngrams(words)
        norms = self._norms(counts)
        idf, rare, total = self.idf.get, self.log_pictures, 0.0
        references = zip(self.references[picture], self.norms[picture], strict=True)
        for (length, reference_counts), reference_norms in references:
            penalty = math.exp(-((len(words) - length) ** 2) / (2 * SIGMA**2))
            for n in range(MAX_N):
                own, other = counts[n], reference_counts[n]
                common = own.keys() & other.keys()
                product = sum(min(own[g], other[g]) * other[g] * idf(g, rare) ** 2 for g in common)
                if product > 0:
                    total += penalty * product / (norms[n] * reference_norms[n])
        return 10 * total / MAX_N / len(self.references[picture])


def human_ceiling(references):
    """Score people against each other: each reference in turn against the rest of its picture.

    It is what one person reaches on this data set, and has one reference fewer to agree with than
    a model's captions have, so a model may pass it without writing better than people.

    Args:
        references: A list of N lists of at least two strings.

    Returns:
        The dict of `score_captions`, averaged over the turns; as many turns as the picture with
        the fewest references has.

    Raises:
        CourseError: As in `score_captions`, or a picture has a single reference.

    Taught in notebook 06.
    """
    turns = min(len(texts) for texts in _split_references(references))
    if turns < 2:
        raise CourseError("A picture has a single reference: the human ceiling needs two or more.")
    scores = [
        score_captions(
            [texts[turn] for texts in references],
            [[*texts[:turn], *texts[turn + 1 :]] for texts in references],
        )
        for turn in range(turns)
    ]
    return pd.DataFrame(scores).mean().to_dict()


def protocol_errors(hypotheses, references):
    """Show what the usual mistakes in computing BLEU make of one and the same captions.

    Args:
        hypotheses: A list of N strings.
        references: A list of N lists of strings.

    Returns:
        A DataFrame, one row per way of computing (the first is the correct one), columns bleu_1
        to bleu_4, times 100.

    Raises:
        CourseError: As in `score_captions`.

    Taught in notebook 06.
    """
    hypotheses, references = _split_pairs(hypotheses, references)

    def changed(change):
        return [change(h) for h in hypotheses], [[change(r) for r in t] for t in references]

    three = [*BLEU_WEIGHTS[:2], (0.3, 0.3, 0.3), BLEU_WEIGHTS[3]]
    rows = {
        "correct": _bleu(hypotheses, references),
        "start and end words left in": _bleu(*changed(lambda w: ["startseq", *w, "endseq"])),
        "one-letter words dropped": _bleu(*changed(lambda w: [x for x in w if len(x) > 1])),
        "BLEU-3 weights (0.3, 0.3, 0.3)": _bleu(hypotheses, references, three),
        "strings instead of word lists": _bleu(*changed(" ".join)),
        "one reference only": _bleu(hypotheses, [texts[:1] for texts in references]),
    }
    columns = [f"bleu_{n}" for n in range(1, MAX_N + 1)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _bleu(hypotheses, references, weights=BLEU_WEIGHTS):
    """Return corpus BLEU-1 to 4, times 100, of lists of words; 0 where no n-gram of a kind fits."""
    # NLTK counts one n-gram in a text that is too short to have any; the COCO toolkit does not.
    missing = [sum(len(words) < n for words in hypotheses) for n in range(1, MAX_N + 1)]

    def precisions(fractions, **_):
        # Never quite 0, for NLTK leaves precisions of 0 out of the product instead of returning 0.
        return [
            max(fraction.numerator, 1e-300) / max(fraction.denominator - short, 1)
            for fraction, short in zip(fractions, missing, strict=True)
        ]

    scores = corpus_bleu(references, hypotheses, weights, smoothing_function=precisions)
    return [100.0 * score if score > 1e-9 else 0.0 for score in scores]


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


def _count_ngrams(words):
    """Return four dicts: how often each 1-gram, 2-gram, 3-gram and 4-gram occurs."""
    ngrams, counts = words, []
    for n in range(1, MAX_N + 1):
        counts.append({})
        for ngram in ngrams:
            counts[-1][ngram] = counts[-1].get(ngram, 0) + 1
        ngrams = [f"{ngram} {word}" for ngram, word in zip(ngrams, words[n:], strict=False)]
    return counts


def _split_pairs(hypotheses, references):
    references = _split_references(references)
    hypotheses = _split_sentences(hypotheses, "hypotheses")
    if len(hypotheses) != len(references):
        raise CourseError(
            f"There are {len(hypotheses)} hypotheses for {len(references)} pictures: give one each."
        )
    return hypotheses, references


def _split_references(references):
    if len(references) == 0:
        raise CourseError("There are no references to score against: give at least one picture.")
    pictures = []
    for row, texts in enumerate(references):
        pictures.append(_split_sentences(texts, f"references of picture {row}"))
        if not any(pictures[-1]):
            raise CourseError(
                f"Picture {row} has no reference with a word in it: give at least one."
            )
    return pictures


def _split_sentences(sentences, name):
    """Return the words of each sentence under the protocol; `name` is for the error messages."""
    # A string is a sequence of strings too: its letters would be scored as sentences.
    if isinstance(sentences, str) or not hasattr(sentences, "__len__"):
        raise CourseError(f"The {name} are {sentences!r}: give a list of strings.")
    for sentence in sentences:
        if not isinstance(sentence, str):
            raise CourseError(f"One of the {name} is {sentence!r}: give strings only.")
    return [clean_caption(_MARKERS.sub(" ", sentence)).split() for sentence in sentences]
