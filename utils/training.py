"""Training the merge model: masked loss, one step, a loop with checkpoints (notebook 05)."""

import hashlib
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from utils.batches import Batches
from utils.checkpoint import alone_in, load_progress, optimizer_settings, save_progress
from utils.errors import CourseError
from utils.model import build_model
from utils.settings import MODEL_SETTINGS, Settings
from utils.tensorflow_setup import bfloat16_products, keras, tf
from utils.vocabulary import PADDING

CLIP_NORM = 5.0  # of the gradient of each weight array
DEV_BATCH = 128  # a COCO batch of 50 words has 0.25 GB of logits
STOPPED = "was stopped"


def masked_crossentropy(targets: Any, logits: Any, label_smoothing: float = 0.0) -> Any:
    """Mean cross-entropy in nats per word; padding counts neither above nor below the line.

    Its `exp` is the perplexity. Taught in notebook 04.

    Args:
        targets: int [N, T], 0 where the caption is over.
        logits: float [N, T, V].
        label_smoothing: 0 to 1, the part of each target that is spread over the whole
            vocabulary (Szegedy et al., CVPR 2016).

    Returns:
        A scalar tensor.
    """
    return _summed_crossentropy(targets, logits, label_smoothing) / _count_words(targets)


def _summed_crossentropy(targets, logits, label_smoothing=0.0, distributions=()):
    targets = tf.cast(targets, tf.int32)
    if distributions:  # of a teacher: they take the place of the one right word
        words, probabilities = distributions
        expected = tf.reduce_sum(probabilities * tf.gather(logits, words, batch_dims=2), -1)
        losses = tf.reduce_logsumexp(logits, -1) - expected
    else:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    if label_smoothing:
        # The cross-entropy to the uniform distribution: log-normalizer minus mean logit.
        uniform = tf.reduce_logsumexp(logits, -1) - tf.reduce_mean(logits, -1)
        losses = (1 - label_smoothing) * losses + label_smoothing * uniform
    return tf.reduce_sum(losses * tf.cast(targets != PADDING, losses.dtype))


def _count_words(targets):
    return tf.math.count_nonzero(targets, dtype=tf.float32)


def dev_crossentropy(
    model: Any,
    features: np.ndarray,
    rows: np.ndarray,
    tokens: np.ndarray,
    batch_size: int = DEV_BATCH,
) -> float:
    """Mean cross-entropy in nats per word, the end token included, without dropout.

    `exp` of it is the perplexity: the model is as unsure as a fair choice among so many words.

    Args:
        model: A merge model.
        features, rows, tokens: The captions to predict, as `Batches` takes them.
        batch_size: Captions per step.

    Returns:
        A float. Taught in notebooks 05 and 06.
    """
    return _make_dev_loss(model, Batches(features, rows, tokens, batch_size))()


def _make_dev_loss(model, batches):
    @tf.function(reduce_retracing=True)
    def sum_over_words(features, inputs, targets):
        logits = model([features, inputs], training=False)
        return _summed_crossentropy(targets, logits), _count_words(targets)

    def dev_loss():
        sums = [[float(x) for x in sum_over_words(*batch)] for batch in batches.epoch()]
        losses, words = np.sum(sums, axis=0)
        return float(losses / words)

    return dev_loss


def untrained_model(batches: Batches, vocabulary_size: int, settings: Settings) -> Any:
    """Build the merge model and let it standardize the features of the train pictures."""
    features, rows = batches.features, np.unique(batches.rows)
    model = build_model(features.shape[-1], vocabulary_size, settings)
    model.get_layer("standardize").adapt(features, settings.feature_scale, rows)
    return model


class Training(NamedTuple):
    """What `train` returns; it raises a CourseError if not even one epoch came to its end.

    `model` has the weights of the best epoch. `history` is a DataFrame (epoch, loss, dev_loss,
    learning_rate, seconds), `samples` what `describe` returned, with the epoch, or None.
    `finished` is False if the training was stopped and would go on.
    """

    model: Any
    history: pd.DataFrame
    samples: pd.DataFrame | None
    finished: bool


def train(
    model: Any,
    batches: Batches,
    dev_data: tuple[np.ndarray, np.ndarray, np.ndarray],
    settings: Settings,
    folder: Path,
    describe: Callable[[Any], list[dict]] | None = None,
    schedule: Any = None,
    strategy: Any = None,
) -> Training:
    """Train the merge model by teacher forcing until the dev loss no longer falls.

    Interrupted (the stop button), it returns the best epoch so far; the same call goes on. A model
    that is gone on from is epoch 0, which stays if no other is better. Taught in notebook 05.

    Args:
        model: The model to start from; it is trained in place.
        batches: The captions to learn from.
        dev_data: features, rows, tokens of the dev split, as `Batches` takes them.
        settings: Its `MODEL_SETTINGS`; with the start "pretrained" there is an epoch 0.
        folder: Of `checkpoint.npz`, used if it began from the very same; for one process at a time.
        describe: Called with the model after every epoch; returns a list of dicts.
        schedule: A learning rate or a Keras schedule; by default a cosine that falls to zero.
        strategy: A `tf.distribute.Strategy` in whose scope the model was built.
    """
    strategy = strategy or tf.distribute.get_strategy()
    optimizer = _make_optimizer(model, schedule, batches, settings, strategy)
    learn = make_step(model, optimizer, settings.label_smoothing, strategy)
    dev = Batches(*dev_data, DEV_BATCH)
    started_as = _started_as(model, optimizer, batches, dev, settings)
    dev_loss, why, first = _make_dev_loss(model, dev), None, int(settings.start != "pretrained")
    with alone_in(folder):
        progress = load_progress(folder, started_as, model, optimizer)
        bar = _bar(batches.steps, settings.epochs, progress.next_epoch(first) - 1)
        try:
            with bfloat16_products(), bar:
                while not _is_over(progress, settings, first):
                    started, epoch = time.perf_counter(), progress.next_epoch(first)
                    loss = _train_epoch(model, learn, batches, settings.seed, epoch, bar)
                    row = {"epoch": epoch, "loss": loss, "dev_loss": dev_loss()}
                    row["learning_rate"] = float(optimizer.learning_rate)
                    row["seconds"] = time.perf_counter() - started
                    progress = progress.after(row, model, describe(model) if describe else ())
                    save_progress(folder, started_as, progress, model, optimizer)
                    bar.set_postfix({name: f"{row[name]:.3f}" for name in ("loss", "dev_loss")})
        except KeyboardInterrupt:
            why = STOPPED
        except FloatingPointError:
            why = "ended because the loss was no longer a number (a smaller learning_rate helps)"
    return _result(model, progress, why)


def _is_over(progress, settings, first):
    epoch = progress.next_epoch(first)
    return epoch > settings.epochs or progress.waited >= settings.patience


def _make_optimizer(model, schedule, batches, settings, strategy):
    if schedule is None:
        steps = settings.epochs * batches.steps
        schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    with strategy.scope():
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay)
        optimizer.build(model.trainable_variables)
    return optimizer


def _started_as(model, optimizer, batches, dev, settings):
    """Everything that a training's course depends on; a checkpoint of another one is not used."""
    start = hashlib.sha256(json.dumps(model.get_config(), default=str).encode())
    for array in model.get_weights():
        start.update(array)
    return {
        "settings": {name: getattr(settings, name) for name in MODEL_SETTINGS},
        "optimizer": optimizer_settings(optimizer),
        "train": batches.fingerprint(),
        "dev": dev.fingerprint(),
        "model": start.hexdigest(),
    }


def _result(model, progress, why):
    history, samples = progress.tables()
    if why and not progress.rows:
        raise CourseError(f"Training {why} before its first epoch was over: start it again.")
    if why:
        best = history.loc[history["dev_loss"].idxmin(), "epoch"]
        more = " Run the cell again to go on." if why == STOPPED else ""
        print(f"Training {why} in epoch {progress.next_epoch(1)}; epoch {best} is kept.{more}")
    model.set_weights(progress.best)
    return Training(model, history, samples, why != STOPPED)


def make_step(
    model: Any, optimizer: Any, label_smoothing: float = 0.0, strategy: Any = None
) -> Callable[..., Any]:
    """Compile one step of gradient descent on one batch.

    The loss is the mean over all words of the batch, however many replicas share it, and their
    gradients are summed before they are clipped: several devices give the curve of one.

    Args:
        model: A merge model.
        optimizer: A Keras optimizer, built for the model's variables, that clips nothing itself.
        label_smoothing: As in `masked_crossentropy`.
        strategy: As in `train`.

    Returns:
        `step(features [B, D], inputs [B, T], targets [B, T])` to the loss, a scalar; as more
        arguments it takes the distributions of `Batches`. Taught in notebook 05.
    """
    strategy = strategy or tf.distribute.get_strategy()

    def gradients_of(features, inputs, targets, *distributions, words):
        with tf.GradientTape() as tape:
            logits = model([features, inputs], training=True)
            losses = _summed_crossentropy(targets, logits, label_smoothing, distributions)
            loss = losses / words
        return loss, tape.gradient(loss, model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(words, *batch):
        loss, gradients = strategy.run(gradients_of, batch, {"words": words})
        loss, *gradients = (strategy.reduce("sum", x, axis=None) for x in (loss, *gradients))
        gradients = [tf.clip_by_norm(gradient, CLIP_NORM) for gradient in gradients]
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    def step_on_shares(*batch):
        words = np.float32(np.count_nonzero(batch[2]))
        if not step.experimental_get_tracing_count() and strategy.num_replicas_in_sync == 1:
            # Or it would be compiled twice: for the size of the first batch, then for any. Several
            # replicas are handed shares, which no such description fits.
            step.get_concrete_function(words, *_of_any_size(*batch))
        return step(words, *(_shares(part, strategy) for part in batch))

    return step_on_shares


def _of_any_size(features, *captions):
    """Describe a batch with any number of captions of any length."""
    spec = tf.TensorSpec((None, *features.shape[1:]), features.dtype)
    return [spec, *(tf.TensorSpec((None, None, *x.shape[2:]), x.dtype) for x in captions)]


def _shares(part, strategy):
    """Give each replica its rows of one part of a batch."""
    count = strategy.num_replicas_in_sync
    if count == 1:
        return part
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(part[context.replica_id_in_sync_group :: count])
    )


def _bar(steps, epochs, done):
    # To standard output, like all bars: JupyterLab paints the other stream red.
    options = {"desc": "training", "unit": "batch", "mininterval": 1, "file": sys.stdout}
    return tqdm(total=epochs * steps, initial=max(done, 0) * steps, **options)


def _train_epoch(model, learn, batches, seed, epoch, bar):
    """Learn from every batch once, but in epoch 0; returns the mean loss per word."""
    if not epoch:
        return math.nan
    # Dropout depends on seed and epoch alone, so that resumed training repeats itself too.
    for number, layer in enumerate(model.layers):
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([seed + 1000 * number, (epoch - 1) << 20])
    losses, words = [], []
    for batch in batches.epoch(epoch - 1):
        losses.append(float(learn(*batch)))
        words.append(np.count_nonzero(batch[2]))
        if not math.isfinite(losses[-1]):
            raise FloatingPointError
        bar.update()
    return float(np.average(losses, weights=words))
