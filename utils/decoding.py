"""Greedy and beam search, all pictures at once, the LSTM's state carried along (notebook 06)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from utils.errors import CourseError
from utils.model import build_decoder
from utils.tensorflow_setup import tf
from utils.vocabulary import END, PADDING, START, UNKNOWN, Vocabulary, counted_by

IMPOSSIBLE = -1e9  # a log-probability that no search ever prefers
HYPOTHESES_AT_ONCE = 1500  # bounds the memory: with 2,500 words they are 15 MB a step
CAPTIONS_AT_ONCE = 64  # read word by word, with 30 words each: 19 MB
# Words that may come twice after the same word: "a man in a hat and a dog in a box".
FUNCTION_WORDS = (
    "a an the of in on at with and to by from for is are as its his her their up down "
    "over under into through near while who that there"
)


def make_decoder(
    models: Any, vocabulary: Vocabulary, allow_loops: bool = False
) -> Callable[..., tuple[list, Any]]:
    """Wire a trained merge model for decoding.

    Args:
        models: A model of `utils.model.build_model`, or a list of models with one vocabulary:
            an ensemble, whose next-word probabilities are averaged at every step.
        vocabulary: The `utils.vocabulary.Vocabulary` they were trained with.
        allow_loops: False never says a word that would make a caption loop (`looping_words`);
            True is the search of the textbooks, with "a drawing of a drawing of a drawing".

    Returns:
        `decode(features, beam_size=3, alpha=1.0, max_length=30)`, see `beam_search`: captions
        (N strings) and their log-probabilities (float [N], nats, end token included). With
        `several=K` N lists of the K best captions, the best first, and N arrays of
        log-probabilities; the beam size is then at least K. A list is shorter where fewer captions
        ended within `max_length` words.

        With `rules`, float32 [3, N, V] of zeros and `IMPOSSIBLE`, captions say a word that is asked
        for (Anderson et al., EMNLP 2017): they tell what may stand before it, which words will do,
        and what may stand after it. A caption that cannot ends without, or below `IMPOSSIBLE / 2`.
    """
    models = models if isinstance(models, list) else [models]
    start, step = _make_steps([build_decoder(model) for model in models], vocabulary, allow_loops)

    def decode(features, beam_size=3, alpha=1.0, max_length=30, several=None, rules=None):
        at_least_one(beam_size=beam_size, several=several, max_length=max_length)
        # With rules as many again, for captions that still owe their word.
        beam_size = max(beam_size, several or 1) * (1 if rules is None else 2)
        captions, scores = [], []
        count = max(1, HYPOTHESES_AT_ONCE // beam_size)  # pictures
        for first in range(0, len(features), count):
            some = np.asarray(features[first : first + count], np.float32)
            pictures, states = start(np.repeat(some, beam_size, axis=0))
            sizes = (len(some), len(vocabulary), beam_size, several or 1)
            own = None if rules is None else rules[:, first : first + count]
            found = beam_search(partial(step, pictures, own), states, sizes, alpha, max_length)
            for rows, log_probabilities in zip(*found, strict=True):
                there = log_probabilities > -np.inf
                captions.append([vocabulary.decode(row) for row in rows[there]])
                scores.append(log_probabilities[there])
        if several is None:
            return [texts[0] for texts in captions], np.array([found[0] for found in scores])
        return captions, scores

    return decode


def at_least_one(**numbers: int | None) -> None:
    """Raise a CourseError for a number that is given and below 1, by its name."""
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise CourseError(f"{name} is {number}: choose 1 or more.")


def _make_steps(parts, vocabulary, allow_loops):
    """Wire the two things a search asks for: the first states, and the best extensions."""
    never = never_said(len(vocabulary))
    # A character of Chinese returns as a matter of course, and three of them are hardly a word.
    characters = counted_by(vocabulary.words) == "characters"
    may_return = np.isin(vocabulary.words, FUNCTION_WORDS.split()) | characters
    conjunction, row = vocabulary.tokens.get("and", -1), 6 if characters else 3

    @tf.function(reduce_retracing=True)
    def start(features):
        pictures = [picture_model(features) for picture_model, _ in parts]
        return pictures, [[tf.zeros_like(picture)] * 2 for picture in pictures]

    @tf.function(reduce_retracing=True)
    def extend(pictures, rules, states, parents, tokens, scores, blocked):
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
        # Before the best are chosen, so that blocked words take nobody's place among them.
        rows = tf.broadcast_to(tf.range(tf.shape(blocked)[0])[:, None], tf.shape(blocked))
        penalties = tf.fill(tf.shape(blocked), IMPOSSIBLE)
        totals = tf.tensor_scatter_nd_update(totals, tf.stack([rows, blocked], -1), penalties)
        if rules is None:
            totals = tf.reshape(totals, (tf.shape(scores)[0], -1))  # [N, B * V]
            values, choices = tf.math.top_k(totals, 2 * tf.shape(scores)[1])
        else:
            shape = (tf.shape(scores)[0], tf.shape(scores)[1], len(vocabulary))
            values, choices = _best_by_rules(tf.reshape(totals, shape), rules)
        return values, choices, states_after

    def step(pictures, rules, states, parents, words, scores):
        blocked = looping_words(words, may_return, conjunction, row)
        blocked = blocked.reshape(len(parents), -1)[:, : 0 if allow_loops else None]
        return extend(pictures, rules, states, parents, words[..., -1].ravel(), scores, blocked)

    return start, step


def _best_by_rules(totals, rules):
    """Choose among extensions [N, 2 B, V] so that each caption says a word asked of it.

    The first half of a picture's hypotheses still owe the word, the second half have said it. One
    that says it crosses over. Each half has its own B best, so neither crowds out the other.
    """
    before, asked, after = rules[0][:, None], rules[1][:, None], rules[2][:, None]
    count = tf.shape(totals)[1] // 2
    never_ends = tf.one_hot(END, tf.shape(totals)[2], -np.inf, 0.0)
    owing, paid = totals[:, :count] + never_ends, totals[:, count:]
    flat = (tf.shape(totals)[0], -1)
    values, choices = tf.math.top_k(tf.reshape(owing + before, flat), count)
    paying = tf.concat([owing + asked, paid + after], 1)
    more, others = tf.math.top_k(tf.reshape(paying, flat), 2 * count)
    return tf.concat([values, more], 1), tf.concat([choices, others], 1)


def never_said(vocabulary_size: int) -> np.ndarray:
    """What to add to scores [..., V] so that padding, start and unknown are never chosen."""
    penalties = np.zeros(vocabulary_size, np.float32)
    penalties[[PADDING, START, UNKNOWN]] = IMPOSSIBLE
    return penalties


def looping_words(
    words: np.ndarray, may_return: np.ndarray, conjunction: int, row: int = 3
) -> np.ndarray:
    """Name the words that a caption must not go on with, because it would begin to loop.

    These are a word that makes three words in a row come again; a word that makes two come again,
    unless it is one of `FUNCTION_WORDS`; and the second X of "X and X". Where every character is a
    word, only a longer row must not come again.

    Args:
        words: int32 [..., T], the words said so far, the start token first.
        may_return: bool [V], whether two words may come again if this is the second.
        conjunction: The token of "and", or -1.
        row: So many words in a row never come again.

    Returns:
        int32 [..., at most T] tokens; where there is nothing to block, the padding token.
    """
    last, last_but_one = words[..., -1:], words[..., -2:-1]
    following = words[..., 1:]
    two = words[..., :-1] == last
    again = two.copy()  # what ends here are the last words said, all but one of a row
    for back in range(1, row - 1):
        again[..., :back] = False
        again[..., back:] &= words[..., : -1 - back] == words[..., -1 - back : -back]
    blocked = np.where(again | two & ~may_return[following], following, PADDING)
    x_and_x = np.where(last == conjunction, last_but_one, PADDING)
    return np.concatenate([blocked, x_and_x], -1, dtype=np.int32)


def beam_search(advance: Any, states: Any, sizes: tuple, alpha: float, max_length: int) -> tuple:
    """Search for the most probable captions of N pictures together.

    Every step extends the B best unfinished hypotheses of each picture by every word. Those of
    the B best extensions that end are finished; the B best that do not end go on. The caption is
    the finished hypothesis with the highest log-probability divided by length ** alpha (Wu et al.,
    arXiv 1609.08144, without the constant 5), where the length counts the end token.

    Args:
        advance: `(states, parents [N * B], words [N, B, T], scores [N, B])` to the scores [N, 2 B]
            of the 2 B best extensions, their choices [N, 2 B] (hypothesis * V + word), new states;
            with rules of 3 B / 2, those that owe their word and those that do not, each sorted.
        states: Those before the first word.
        sizes: N, V, B and K; with B = 1 this is greedy search. K of the finished hypotheses are
            returned, at most B.
        alpha: 0 prefers short captions, 1 compares the mean log-probability per word.
        max_length: Words after which the most probable hypothesis must do if none has finished.

    Returns:
        int [N, K, max_length + 1] tokens, the start token first, padded with the end token, and
        float [N, K] log-probabilities of these tokens, the first end token included where the
        hypothesis finished; -inf where fewer than K have.
    """
    num_pictures, vocabulary_size, beam_size, several = sizes
    pictures = np.arange(num_pictures)[:, None]
    words = np.full((num_pictures, beam_size, max_length + 1), END, np.int32)
    words[..., 0] = START
    scores = np.full((num_pictures, beam_size), IMPOSSIBLE, np.float32)
    scores[:, 0] = 0  # at the start all hypotheses are the same: only one may be extended
    parents = np.tile(np.arange(beam_size), (num_pictures, 1))
    finished = _Finished(words[:, :several], beam_size, alpha)
    for length in range(1, max_length + 2):
        flat_parents = (pictures * beam_size + parents).ravel().astype(np.int32)
        values, choices, states = advance(states, flat_parents, words[..., :length], scores)
        values, (sources, chosen) = values.numpy(), np.divmod(choices.numpy(), vocabulary_size)
        ends = chosen == END
        finished.take(words, sources, values, ends, length)
        if length > max_length:
            break
        # The B best that go on, in order of score (the sort is stable).
        going_on = ends.argsort(1, kind="stable")[:, :beam_size]
        parents, scores = sources[pictures, going_on], values[pictures, going_on]
        if finished.settled(scores.max(1), length).all():
            break
        words = words[pictures, parents]
        words[..., length] = chosen[pictures, going_on]
    finished.cut_off(words[:, 0], scores[:, 0])
    return finished.words, finished.scores


class _Finished:
    """The K best finished hypotheses of every picture so far, and whether they can be beaten."""

    def __init__(self, words, beam_size, alpha):
        self.beam_size, self.alpha = beam_size, alpha
        self.words = words.copy()  # [N, K, max_length + 1]
        self.scores = np.full(words.shape[:2], -np.inf, np.float32)
        self.normalized = np.full(words.shape[:2], -np.inf)
        self.number = np.zeros(len(words), int)
        self.done = np.zeros(len(words), bool)

    def take(self, words, sources, values, ends, length):
        """Keep those of the B best extensions that end and are better than what there is."""
        pictures = np.arange(len(words))[:, None]
        sources, values = sources[:, : self.beam_size], values[:, : self.beam_size]
        ends = ends[:, : self.beam_size] & (values > IMPOSSIBLE / 2) & ~self.done[:, None]
        new = np.where(ends, values / length**self.alpha, -np.inf)
        normalized = np.concatenate([self.normalized, new], 1)
        best = (-normalized).argsort(1, kind="stable")[:, : self.scores.shape[1]]
        self.normalized = normalized[pictures, best]
        self.scores = np.concatenate([self.scores, values], 1)[pictures, best]
        self.scores[self.normalized == -np.inf] = -np.inf
        self.words = np.concatenate([self.words, words[pictures, sources]], 1)[pictures, best]
        self.number += ends.sum(1)

    def settled(self, hope, length):
        """Tell which pictures are done, given their best unfinished scores [N].

        B hypotheses have finished, and no other would win even if it ended now for free.
        """
        best_possible = hope / (length + 1) ** self.alpha
        # Greedy search never looks back: it takes the first end it meets.
        settled = (self.normalized[:, 0] >= best_possible) | (self.beam_size == 1)
        self.done |= (self.number >= self.beam_size) & settled
        return self.done

    def cut_off(self, words, scores):
        """Out of words: where nothing has finished, what there is must do."""
        nothing = self.number == 0
        self.words[nothing, 0], self.scores[nothing, 0] = words[nothing], scores[nothing]


def word_probabilities(
    models: list, vocabulary: Vocabulary, features: np.ndarray, captions: Sequence[str]
) -> list[np.ndarray]:
    """How probable every word of captions is, given the picture and the words before it.

    Args:
        models: Trained merge models; of an ensemble the mean probability.
        vocabulary: The `utils.vocabulary.Vocabulary` they were trained with.
        features: float32 [N, D], the picture of each caption.
        captions: N cleaned captions.

    Returns:
        N arrays of probabilities: of every word, the end token last.
    """
    found = []
    for first in range(0, len(captions), CAPTIONS_AT_ONCE):
        some = slice(first, first + CAPTIONS_AT_ONCE)
        tokens = vocabulary.encode(captions[some])
        inputs = [features[some], tokens[:, :-1]]
        each = [tf.nn.softmax(model(inputs, training=False)).numpy() for model in models]
        values = np.take_along_axis(np.mean(each, 0), tokens[:, 1:, None], 2)[..., 0]
        ends = (tokens == END).argmax(1)
        found += [row[:end] for row, end in zip(values, ends, strict=True)]
    return found
