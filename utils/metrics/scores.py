"""All scores of a set of captions, what people reach, and what usual mistakes make of BLEU."""

from collections.abc import Sequence

import pandas as pd

from utils.errors import CourseError
from utils.metrics.bleu import BLEU_WEIGHTS, corpus_bleu
from utils.metrics.cider_d import cider_d_scores
from utils.metrics.ngrams import MAX_N
from utils.metrics.protocol import split_pairs, split_references
from utils.metrics.rouge import rouge_l_scores


def score_captions(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Score captions as the literature does: BLEU-1 to 4, ROUGE-L and CIDEr-D.

    Takes sentences as they are and applies the protocol itself: lower case, contractions and
    hyphened words cut, no punctuation (details in `protocol.split_words`), no start, end and
    padding marks, one-letter words kept, all references of a picture. BLEU counts n-grams over the
    whole set of pictures, smoothed as in the COCO caption toolkit (details in `bleu.corpus_bleu`);
    ROUGE-L and CIDEr-D are means over the pictures.

    Published figures of Flickr8k compare with what people typed. The notebooks compare with the
    cleaned references of captions.csv, which are cut at their spaces, but for "cannot", "gonna"
    and their like: "man's" is the one word "mans" there, as the model learned it.

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
    figures equal those of the COCO caption toolkit, given the same words. Taught in notebook 06.
    """
    bleu = corpus_bleu(*split_pairs(hypotheses, references))
    return {
        **{f"bleu_{n}": score for n, score in enumerate(bleu, 1)},
        "rouge_l": 100 * float(rouge_l_scores(hypotheses, references).mean()),
        "cider_d": 100 * float(cider_d_scores(hypotheses, references).mean()),
    }


def human_ceiling(references: Sequence[Sequence[str]]) -> dict[str, float]:
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
    turns = min(len(texts) for texts in split_references(references))
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


def protocol_errors(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> pd.DataFrame:
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
    captions, texts = split_pairs(hypotheses, references)

    def changed(change):
        return [change(c) for c in captions], [[change(r) for r in t] for t in texts]

    three = [*BLEU_WEIGHTS[:2], (0.3, 0.3, 0.3), BLEU_WEIGHTS[3]]
    rows = {
        "correct": corpus_bleu(captions, texts),
        "start and end words left in": corpus_bleu(*changed(lambda w: ["startseq", *w, "endseq"])),
        "one-letter words dropped": corpus_bleu(*changed(lambda w: [x for x in w if len(x) > 1])),
        "BLEU-3 weights (0.3, 0.3, 0.3)": corpus_bleu(captions, texts, three),
        "strings instead of word lists": corpus_bleu(*changed(" ".join)),
        "one reference only": corpus_bleu(captions, [t[:1] for t in texts]),
    }
    columns = [f"bleu_{n}" for n in range(1, MAX_N + 1)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
