"""Greedy and beam search, all pictures at once, the LSTM's state carried along (notebook 06)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.errors import CourseError
from utils.model import build_decoder
from utils.tensorflow_setup import tf
from utils.vocabulary import END, PADDING, START, UNKNOWN, Vocabulary

IMPOSSIBLE = -1e9  # a log-probability that no search ever prefers
PICTURES_AT_ONCE = 500  # bounds the memory: 500 pictures, beam 3, 2,500 words are 15 MB a step


def make_decoder(
    models: Any, vocabulary: Vocabulary
) -> Callable[..., tuple[list[str], np.ndarray]]:
    """Wire a trained merge model for decoding.

    Args:
        models: A model of `utils.model.build_model`, or a list of models with one vocabulary:
            an ensemble, whose next-word probabilities are averaged at every step.
        vocabulary: The `utils.vocabulary.Vocabulary` they were trained with.

    Returns:
        `decode(features, beam_size=3, alpha=1.0, max_length=30)`, see `beam_search`: captions
        (N strings) and their log-probabilities (float [N], nats, end token included).
    """
    models = models if isinstance(models, list) else [models]
    start, step = _make_steps([build_decoder(model) for model in models], len(vocabulary))

    def decode(features, beam_size=3, alpha=1.0, max_length=30):
        if beam_size < 1:
            raise CourseError(f"beam_size is {beam_size}: choose 1 (greedy search) or more.")
        captions, scores = [], []
        for first in range(0, len(features), PICTURES_AT_ONCE):
            some = np.asarray(features[first : first + PICTURES_AT_ONCE], np.float32)
            pictures, states = start(np.repeat(some, beam_size, axis=0))

            def advance(states, parents, tokens, totals, pictures=pictures):
                return step(pictures, states, parents, tokens, totals, 2 * beam_size)

            rows, log_probabilities = beam_search(
                advance, states, (len(some), len(vocabulary), beam_size), alpha, max_length
            )
            captions += [vocabulary.decode(row) for row in rows]
            scores.append(log_probabilities)
        return captions, np.concatenate(scores) if scores else np.zeros(0)

    return decode


def _make_steps(parts, vocabulary_size):
    """Compile the two things a search asks for: the first states, and the best extensions."""
    never = never_said(vocabulary_size)

    @tf.function(reduce_retracing=True)
    def start(features):
        pictures = [picture_model(features) for picture_model, _ in parts]
        return pictures, [[tf.zeros_like(picture)] * 2 for picture in pictures]

    @tf.function(reduce_retracing=True)
    def step(pictures, states, parents, tokens, scores, num_candidates):
        log_probabilities, states_after = [], []
        for (_, step_model), picture, state in zip(parts, pictures, states, strict=True):
            # A hypothesis goes on from the state of the hypothesis that it extends.
            h, c = (tf.gather(array, parents) for array in state)
            logits, h, c = step_model([picture, tokens, h, c])
            log_probabilities.append(tf.nn.log_softmax(logits))
            states_after.append([h, c])
        # The log of the mean probability, computed so that tiny ones do not vanish.
        mean = tf.reduce_logsumexp(tf.stack(log_probabilities), axis=0) - np.log(len(parts))
        totals = tf.reshape(scores, (-1, 1)) + mean + never  # [N * B, V]
        totals = tf.reshape(totals, (tf.shape(scores)[0], -1))  # [N, B * V]
        values, choices = tf.math.top_k(totals, num_candidates)
        return values, choices, states_after

    return start, step


def never_said(vocabulary_size: int) -> np.ndarray:
    """What to add to scores [..., V] so that padding, start and unknown are never chosen."""
    penalties = np.zeros(vocabulary_size, np.float32)
    penalties[[PADDING, START, UNKNOWN]] = IMPOSSIBLE
    return penalties


def beam_search(advance: Any, states: Any, sizes: tuple, alpha: float, max_length: int) -> tuple:
    """Search for the most probable captions of N pictures together.

    Every step extends the B best unfinished hypotheses of each picture by every word. Those of
    the B best extensions that end are finished; the B best that do not end go on. The caption is
    the finished hypothesis with the highest log-probability divided by length ** alpha (Wu et al.,
    arXiv 1609.08144, without the constant 5), where the length counts the end token.

    Args:
        advance: `(states, parents [N * B], tokens [N * B], scores [N, B])` to the scores [N, 2 B]
            of the 2 B best extensions, their choices [N, 2 B] (hypothesis * V + word), new states.
        states: Those before the first word.
        sizes: N, V and B; with B = 1 this is greedy search.
        alpha: 0 prefers short captions, 1 compares the mean log-probability per word.
        max_length: Words after which the most probable hypothesis must do if none has finished.

    Returns:
        int [N, max_length] tokens, padded with the end token, and float [N] log-probabilities of
        these tokens, the first end token included where the hypothesis finished.
    """
    num_pictures, vocabulary_size, beam_size = sizes
    pictures = np.arange(num_pictures)[:, None]
    words = np.full((num_pictures, beam_size, max_length), END)
    scores = np.full((num_pictures, beam_size), IMPOSSIBLE, np.float32)
    scores[:, 0] = 0  # at the start all hypotheses are the same: only one may be extended
    tokens = np.full((num_pictures, beam_size), START, np.int32)
    parents = np.tile(np.arange(beam_size), (num_pictures, 1))
    finished = _Finished(num_pictures, beam_size, max_length, alpha)
    for length in range(1, max_length + 2):
        flat_parents = (pictures * beam_size + parents).ravel().astype(np.int32)
        values, choices, states = advance(states, flat_parents, tokens.ravel(), scores)
        values, (sources, chosen) = values.numpy(), np.divmod(choices.numpy(), vocabulary_size)
        ends = chosen == END
        finished.take(words, sources, values, ends, length)
        if length > max_length:
            break
        # The B best that go on, in order of score (the sort is stable).
        going_on = ends.argsort(1, kind="stable")[:, :beam_size]
        parents, tokens = sources[pictures, going_on], chosen[pictures, going_on].astype(np.int32)
        scores = values[pictures, going_on]
        if finished.settled(scores[:, 0], length).all():
            break
        words = words[pictures, parents]
        words[:, :, length - 1] = tokens
    finished.cut_off(words[:, 0], scores[:, 0])
    return finished.words, finished.scores


class _Finished:
    """The best finished hypothesis of every picture so far, and whether it can still be beaten."""

    def __init__(self, num_pictures, beam_size, max_length, alpha):
        self.beam_size, self.alpha = beam_size, alpha
        self.words = np.full((num_pictures, max_length), END)
        self.scores = np.zeros(num_pictures, np.float32)
        self.normalized = np.full(num_pictures, -np.inf)
        self.number = np.zeros(num_pictures, int)
        self.done = np.zeros(num_pictures, bool)

    def take(self, words, sources, values, ends, length):
        """Keep those of the B best extensions that end and are better than what there is."""
        ends = ends[:, : self.beam_size]
        normalized = np.where(ends, values[:, : self.beam_size] / length**self.alpha, -np.inf)
        first = normalized.argmax(1)
        better = ~self.done & (normalized.max(1) > self.normalized)
        self.normalized[better] = normalized.max(1)[better]
        self.scores[better] = values[better, first[better]]
        self.words[better] = words[better, sources[better, first[better]]]
        self.number += ends.sum(1)

    def settled(self, hope, length):
        """Tell which pictures are done, given their best unfinished scores [N].

        B hypotheses have finished, and no other would win even if it ended now for free.
        """
        best_possible = hope / (length + 1) ** self.alpha
        # Greedy search never looks back: it takes the first end it meets.
        settled = (self.normalized >= best_possible) | (self.beam_size == 1)
        self.done |= (self.number >= self.beam_size) & settled
        return self.done

    def cut_off(self, words, scores):
        """Out of words: where nothing has finished, what there is must do."""
        nothing = self.number == 0
        self.words[nothing], self.scores[nothing] = words[nothing], scores[nothing]
