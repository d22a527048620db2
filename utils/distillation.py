"""Distillation: one small model learns what an ensemble knows.

A caption tells which word came next, an ensemble also tells which others might have: softer
targets, from which there is more to learn and less to learn by heart. Hinton, Vinyals and Dean,
"Distilling the knowledge in a neural network", arXiv:1503.02531; captions of the teacher as more
captions to learn from: Kim and Rush, "Sequence-level knowledge distillation", EMNLP 2016.
"""

from collections.abc import Sequence

import numpy as np

from utils.decoding import make_decoder
from utils.metrics import CiderD
from utils.tensorflow_setup import bfloat16_products, tf
from utils.vocabulary import PADDING, Vocabulary

KEPT = 16  # of a teacher's probabilities the highest, which hold nearly all there is
CAPTIONS_AT_ONCE = 128


def word_distributions(
    teachers: Sequence,
    features: np.ndarray,
    rows: np.ndarray,
    tokens: np.ndarray,
    weight: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Ask teachers which words may come next at every position of captions.

    Args:
        teachers: Trained merge models, whose probabilities are averaged.
        features: float [P, D] of the pictures, as the teachers see them.
        rows: int [N], the picture of each caption.
        tokens: int32 [N, T], right-padded.
        weight: 0 to 1, of what the teachers say; the rest is that of the word that does come next.

    Returns:
        Words uint16 [N, T - 1, K + 1], the one that does come next first, then the K = `KEPT` most
        probable ones (all there are, if fewer), and probabilities float16 of the same shape, which
        sum to 1, and to 0 where the caption is over: as `Batches` takes them.
    """
    kept = min(KEPT, teachers[0].output_shape[-1])
    shape = (*np.subtract(tokens.shape, (0, 1)), kept + 1)
    words, probabilities = np.zeros(shape, np.uint16), np.zeros(shape, np.float16)
    lengths = (tokens != PADDING).sum(1)
    order = lengths.argsort(kind="stable")

    @tf.function(reduce_retracing=True)
    def best(seen, inputs):
        each = [tf.nn.softmax(teacher([seen, inputs], training=False)) for teacher in teachers]
        return tf.math.top_k(tf.add_n(each), kept)

    with bfloat16_products():
        for first in range(0, len(order), CAPTIONS_AT_ONCE):
            some = order[first : first + CAPTIONS_AT_ONCE]
            batch = tokens[some, : lengths[some].max()]
            values, found = best(np.asarray(features[rows[some]], np.float32), batch[:, :-1])
            own = weight * values.numpy() / values.numpy().sum(-1, keepdims=True)
            targets = batch[:, 1:, None]
            both = np.concatenate([np.full(targets.shape, 1 - weight), own], -1)
            words[some, : batch.shape[1] - 1] = np.concatenate([targets, found.numpy()], -1)
            probabilities[some, : batch.shape[1] - 1] = both * (targets != PADDING)
    return words, probabilities


def add_captions_of_teachers(
    teachers: Sequence,
    vocabulary: Vocabulary,
    pictures: tuple[np.ndarray, Sequence[Sequence[str]]],
    captions: tuple[np.ndarray, np.ndarray],
    found: int = 10,
    kept: int = 3,
    alpha: float = 1.0,
    max_length: int = 30,
) -> tuple[np.ndarray, np.ndarray]:
    """Let teachers caption pictures, and put the captions most like people's behind people's own.

    Args:
        teachers: Trained merge models, an ensemble.
        vocabulary: Theirs.
        pictures: Features float [P, D], and P lists of people's captions.
        captions: Row int [N] and tokens int32 [N, T] of the same captions, as `Batches` takes them;
            pictures stand in the order of their first captions.
        found: Captions that the search finds for a picture.
        kept: Those of them that are learned: the most similar (CIDEr-D) to people's of the picture.
        alpha, max_length: As for the search of `make_decoder`.

    Returns:
        Rows int [N + M] and tokens int32 [N + M, T'] of all captions.
    """
    (features, references), (rows, tokens) = pictures, captions
    decode = make_decoder(list(teachers), vocabulary)
    texts, _ = decode(features, alpha=alpha, max_length=max_length, several=found)
    cider = CiderD(references)
    _, first = np.unique(rows, return_index=True)
    more_rows, said = [], []
    for number, (row, candidates) in enumerate(zip(rows[np.sort(first)], texts, strict=True)):
        scores = cider.scores(candidates, np.full(len(candidates), number))
        best = np.argsort(-scores, kind="stable")[:kept]
        more_rows += [row] * len(best)
        said += [candidates[place] for place in best]
    more = vocabulary.encode(said)
    longest = max(tokens.shape[1], more.shape[1])
    padded = [np.pad(some, ((0, 0), (0, longest - some.shape[1]))) for some in (tokens, more)]
    return np.concatenate([rows, more_rows]), np.concatenate(padded)
