"""Training for the score itself: self-critical sequence training (notebook 07).

Rennie et al., "Self-critical sequence training for image captioning", CVPR 2017. Several captions
a picture are sampled from the model; those that score above their siblings are made more probable,
the others less.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from utils.checkpoint import alone_in, load_progress, optimizer_settings, save_progress
from utils.decoding import make_decoder, never_said
from utils.metrics import CiderD, score_captions
from utils.model import build_decoder
from utils.settings import REWARD_SETTINGS, Settings
from utils.tensorflow_setup import bfloat16_products, keras, tf
from utils.vocabulary import END, PADDING, START, Vocabulary

# Stands for the end of a caption in the reward. Without it a caption that breaks off ("a dog runs
# through the") would lose nothing: CIDEr-D sees words only.
STOP = "endofcaption"
CLIP_NORM = 1.0  # the longest gradient of an array of weights
LOGITS_AT_ONCE = 10_000_000  # which bounds the memory: 40 MB a tensor, of which a step has many
# Reward: of the samples, with the end as a word. Words (mean number), distinct captions: on dev.
HISTORY = ["epoch", "reward", "dev_cider_d", "dev_bleu_4", "words", "distinct", "seconds"]


def make_sampler(
    model: Any, vocabulary_size: int, max_length: int
) -> Callable[[np.ndarray, Sequence[int]], np.ndarray]:
    """Wire a merge model for drawing random captions, the LSTM's state carried along.

    Args:
        model: A model of `utils.model.build_model`; its weights are shared, not copied.
        vocabulary_size: V.
        max_length: Words after which a caption breaks off, without an end.

    Returns:
        `sample(features [N, D], seed [2])` to tokens int32 [N, T], right-padded: start, at most
        `max_length` words, end. Every word is drawn with the model's own probability, without
        dropout; padding, start and unknown never are.
    """
    picture_model, step_model = build_decoder(model)
    never = never_said(vocabulary_size)

    @tf.function(reduce_retracing=True)
    def draw(features, seed):
        pictures = picture_model(features)
        h, c = tf.zeros_like(pictures), tf.zeros_like(pictures)
        tokens = tf.fill([tf.shape(features)[0]], START)
        said = tf.TensorArray(tf.int32, size=0, dynamic_size=True).write(0, tokens)
        position = 1
        while position <= max_length + 1 and tf.reduce_any((tokens != END) & (tokens != PADDING)):
            logits, h, c = step_model([pictures, tokens, h, c])
            own = tf.random.experimental.stateless_fold_in(seed, position)
            drawn = tf.random.stateless_categorical(logits + never, 1, own, dtype=tf.int32)[:, 0]
            over = (tokens == END) | (tokens == PADDING)
            if position > max_length:  # out of words: the caption ends now or breaks off
                over |= drawn != END
            tokens = tf.where(over, PADDING, drawn)
            said = said.write(position, tokens)
            position += 1
        return tf.transpose(said.stack())

    def sample(features, seed):
        return draw(features, tf.constant(seed)).numpy()

    return sample


def rewards_of(
    tokens: np.ndarray, pictures: np.ndarray, vocabulary: Vocabulary, cider: CiderD
) -> np.ndarray:
    """CIDEr-D of sampled captions, the end of the caption counted as a word.

    Args:
        tokens: int [M, T] of `make_sampler`.
        pictures: int [M], the picture each caption is of.
        vocabulary: A `utils.vocabulary.Vocabulary`.
        cider: What `make_reward` returned.

    Returns:
        float [M], 0 to 10.
    """
    texts = [
        f"{vocabulary.decode(row)} {STOP}" if END in row else vocabulary.decode(row)
        for row in tokens
    ]
    return cider.scores(texts, pictures)


def make_reward(references: Sequence[Sequence[str]]) -> CiderD:
    """Prepare the reward: `CiderD` of references that end in `STOP`.

    Args:
        references: N lists of strings.
    """
    return CiderD([[f"{text} {STOP}" for text in texts] for texts in references])


def advantages_of(rewards: np.ndarray, count: int) -> np.ndarray:
    """How much better each caption is than the mean of its siblings.

    Args:
        rewards: float [N * count], the captions of a picture one after the other.
        count: Captions a picture, at least 2.

    Returns:
        float32 [N * count]; they sum to 0 for every picture.
    """
    rewards = np.reshape(rewards, (-1, count))
    siblings = (rewards.sum(1, keepdims=True) - rewards) / (count - 1)
    return (rewards - siblings).astype(np.float32).ravel()


def train_for_score(
    model: Any,
    train_data: tuple[np.ndarray, Sequence[Sequence[str]]],
    dev_data: tuple[np.ndarray, Sequence[Sequence[str]]],
    vocabulary: Vocabulary,
    settings: Settings,
    folder: Path,
) -> tuple[Any, pd.DataFrame, bool]:
    """Go on training a merge model with CIDEr-D as the reward, and keep the best epoch on dev.

    Interrupt it (the stop button of the notebook) whenever you have seen enough; the same call
    goes on after the last whole epoch.

    Args:
        model: A trained merge model. It stays what it is: a copy is trained.
        train_data, dev_data: features [N, D] and references (N lists of strings) of pictures.
        vocabulary: The `utils.vocabulary.Vocabulary` of the model.
        settings: The reward_... fields, beam_size, alpha, max_length and seed.
        folder: Of `checkpoint.npz`, used if it began from the very same; for one process at a time.

    Returns:
        The best model; the history, a DataFrame with a row per epoch, epoch 0 being the model
        as it came, and the columns of `HISTORY`; False if it was stopped and would go on.
    """
    student = keras.models.clone_model(model)
    student.set_weights(model.get_weights())
    optimizer = keras.optimizers.Adam(settings.reward_learning_rate, clipnorm=CLIP_NORM)
    train_epoch = _make_epoch(student, optimizer, train_data, vocabulary, settings)
    decode = make_decoder(student, vocabulary)
    started_as = _started_as(model, optimizer, (train_data, dev_data), vocabulary, settings)
    why = ""
    with alone_in(folder):
        progress = load_progress(folder, started_as, student, optimizer)
        bar = _bar(settings, len(train_data[0]), progress.next_epoch(0) - 1)
        try:
            with bar:
                while not _is_over(progress, settings):
                    started = time.perf_counter()
                    epoch = progress.next_epoch(0)
                    row = {"epoch": epoch, "reward": train_epoch(epoch, bar) if epoch else np.nan}
                    row |= _score_on_dev(decode, dev_data, settings)
                    row["seconds"] = time.perf_counter() - started
                    progress = progress.after(row, student)
                    save_progress(folder, started_as, progress, student, optimizer)
                    bar.set_postfix(epoch=epoch, dev_cider_d=f"{row['dev_cider_d']:.1f}")
        except KeyboardInterrupt:
            why = "was stopped"
        except FloatingPointError:
            why = "ended because the loss was no longer a number"
    return _result(student, model, progress, why)


def _started_as(model, optimizer, data, vocabulary, settings):
    """Everything that the course of the training depends on."""
    digest = hashlib.sha256(json.dumps(model.get_config(), default=str).encode())
    for array in (*model.get_weights(), *(features for features, _ in data)):
        digest.update(np.ascontiguousarray(array).data)
    texts = [[list(said) for said in references] for _, references in data]
    digest.update(json.dumps([vocabulary.words, texts]).encode("utf-8", "surrogatepass"))
    return {
        "settings": {name: getattr(settings, name) for name in REWARD_SETTINGS},
        "optimizer": optimizer_settings(optimizer),
        "began_from": digest.hexdigest(),
    }


def _bar(settings, pictures, epochs_done):
    steps = -(-pictures // settings.reward_batch_size)
    options = {"desc": "reward", "unit": "batch", "mininterval": 1, "file": sys.stdout}
    done = max(epochs_done, 0) * steps
    return tqdm(total=settings.reward_epochs * steps, initial=done, **options)


def _is_over(progress, settings):
    """Whether all epochs are done, or dev has not become better for some time."""
    patience = settings.reward_patience
    return progress.next_epoch(0) > settings.reward_epochs or progress.waited >= patience


def _result(student, model, progress, why):
    history = pd.DataFrame(progress.rows, columns=HISTORY)
    student.set_weights(progress.best or model.get_weights())
    if why:
        best = f"epoch {int(history['dev_cider_d'].idxmax())}" if progress.rows else "the model"
        more = " Run the cell again to go on." if why == "was stopped" else ""
        print(f"Training {why} in epoch {progress.next_epoch(0)}; {best} is kept.{more}")
    return student, history, why != "was stopped"


def _make_epoch(model, optimizer, train_data, vocabulary, settings):
    """Return a function that trains one epoch of REINFORCE and returns the mean reward × 100."""
    features, references = train_data
    reward = make_reward(references)
    sample = make_sampler(model, len(vocabulary), settings.max_length)
    learn = make_reward_step(model, optimizer)
    steps = -(-len(features) // settings.reward_batch_size)

    def train_epoch(epoch, bar):
        rewards = []
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(features))
        for number, batch in enumerate(np.array_split(order, steps)):
            pictures = np.repeat(batch, settings.reward_samples)
            seen = np.asarray(features[pictures], np.float32)  # of all only these, in float32
            seed = [settings.seed, 10_000 * epoch + number]
            with bfloat16_products():
                tokens = sample(seen, seed)
                rewards.append(rewards_of(tokens, pictures, vocabulary, reward))
                advantages = advantages_of(rewards[-1], settings.reward_samples)
                loss = learn(seen, tokens, advantages)
            if not np.isfinite(loss):
                raise FloatingPointError
            bar.update()
        return 100 * float(np.mean(np.concatenate(rewards)))

    return train_epoch


def make_reward_step(model: Any, optimizer: Any) -> Callable[..., Any]:
    """Compile one step of REINFORCE: gradient descent on captions weighted by advantages.

    Args:
        model: A merge model; its weights are changed by every step.
        optimizer: A Keras optimizer.

    Returns:
        `learn(features [M, D], tokens int32 [M, T], advantages float32 [M])` to the loss before
        the step, a scalar: the captions' negative log-probabilities, weighted, over all words.

    Source: Williams, Machine Learning 8, 1992. Taught in notebook 07.
    """
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def gradients_of(features, tokens, advantages, words):
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        with tf.GradientTape() as tape:
            # One pass over whole captions, without dropout: the model that drew them had none.
            logits = model([features, inputs], training=False)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            mask = tf.cast(targets != PADDING, losses.dtype)
            loss = tf.reduce_sum(losses * mask * advantages[:, None]) / words
        return loss, tape.gradient(loss, model.trainable_variables)

    def learn(features, tokens, advantages):
        words = np.float32(np.count_nonzero(tokens[:, 1:]))
        loss, sums = 0.0, None
        size = max(1, LOGITS_AT_ONCE // (tokens.shape[1] * model.output_shape[-1]))
        for first in range(0, len(tokens), size):
            some = slice(first, first + size)
            part, gradients = gradients_of(features[some], tokens[some], advantages[some], words)
            loss += float(part)
            sums = gradients if sums is None else list(map(_sum, sums, gradients))
        optimizer.apply(sums, model.trainable_variables)
        return loss

    return learn


def _sum(one, other):
    if not isinstance(one, tf.IndexedSlices):
        return one + other
    rows = tf.concat([one.values, other.values], 0)  # noqa: PD011 (of an embedding, no DataFrame)
    return tf.IndexedSlices(rows, tf.concat([one.indices, other.indices], 0), one.dense_shape)


def _score_on_dev(decode, dev_data, settings):
    features, references = dev_data
    said, _ = decode(features, settings.beam_size, settings.alpha, settings.max_length)
    scores = score_captions(said, references)
    return {
        "dev_cider_d": scores["cider_d"],
        "dev_bleu_4": scores["bleu_4"],
        "words": float(np.mean([len(text.split()) for text in said])),
        "distinct": len(set(said)),
    }
