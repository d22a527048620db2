"""Training the merge model with `model.fit`: batches, masked loss, checkpoints (notebook 05)."""

import hashlib
import json
import math
import shutil
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
from tqdm import tqdm

from utils.artifacts import atomic_path, save_table, write_json, write_manifest
from utils.encoders.weights import cpu_has_bfloat16
from utils.tensorflow_setup import keras, tf
from utils.vocabulary import PADDING


@keras.saving.register_keras_serializable("image_caption_course")
class MaskedCrossentropy(keras.losses.Loss):
    """Mean cross-entropy in nats per word; padding counts neither above nor below the line.

    Its `exp` is the perplexity. Called with targets int [N, T], 0 where the caption is over, and
    logits float [N, T, V]; returns a scalar. Taught in notebook 04.

    Args:
        label_smoothing: 0 to 1, the part of each target that is spread over the whole
            vocabulary (Szegedy et al., CVPR 2016).
    """

    def __init__(self, label_smoothing=0.0, name="masked_crossentropy"):
        super().__init__(name=name, reduction=None)
        self.label_smoothing = label_smoothing

    def call(self, targets, logits):
        targets = tf.cast(targets, tf.int32)
        mask = tf.cast(tf.not_equal(targets, PADDING), logits.dtype)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        if self.label_smoothing:
            # The cross-entropy to the uniform distribution: log-normalizer minus mean logit.
            uniform = tf.reduce_logsumexp(logits, -1) - tf.reduce_mean(logits, -1)
            losses = (1 - self.label_smoothing) * losses + self.label_smoothing * uniform
        return tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)

    def get_config(self):
        return {"label_smoothing": self.label_smoothing, "name": self.name}


def make_batches(features, rows, tokens, batch_size, seed=None, first_epoch=0):
    """Batches of captions of similar length, so that hardly any padding is computed.

    Args:
        features: float32 [P, D], one row per picture; or [P, V, D], several views of each, of
            which every caption gets a random one.
        rows: int [N], the row of `features` that belongs to each caption.
        tokens: int32 [N, T], right-padded.
        batch_size: Captions per batch.
        seed: With a seed the dataset never ends and every epoch has its own random order, which
            depends on seed and epoch alone; without, one pass in order of length.
        first_epoch: Where the random orders start, for resuming.

    Returns:
        A `tf.data.Dataset` of ((features [B, D], inputs [B, T-1]), targets [B, T-1]), where
        `targets` is `inputs` one word later, and the number of batches of an epoch.
    """
    views = features if features.ndim == 3 else features[:, None]
    lengths = (tokens != PADDING).sum(1)
    steps = math.ceil(len(tokens) / batch_size)

    def batches():
        epoch = first_epoch
        while True:
            rng = np.random.default_rng([seed or 0, epoch])
            choose = np.random.default_rng([seed or 0, epoch, 1])
            # Random among captions of one length, then batches in random order.
            order = np.lexsort((rng.random(len(tokens)), lengths))
            groups = np.array_split(order, steps)
            if seed is not None:
                rng.shuffle(groups)
            for group in groups:
                batch = tokens[group, : lengths[group].max()]
                seen = choose.integers(views.shape[1], size=len(group))
                yield (views[rows[group], seen], batch[:, :-1]), batch[:, 1:]
            if seed is None:
                return
            epoch += 1

    words = tf.TensorSpec((None, None), tf.int32)
    pictures = tf.TensorSpec((None, views.shape[2]), tf.float32)
    dataset = tf.data.Dataset.from_generator(batches, output_signature=((pictures, words), words))
    # Keras warns of running out of data unless it knows how much there is.
    cardinality = tf.data.INFINITE_CARDINALITY if seed is not None else steps
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality))
    # Nothing here needs tuning, and closing a tuned pipeline can wait as long as it has run: its
    # tuner sleeps twice as long every time.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(4).with_options(options), steps


def dev_crossentropy(model, features, rows, tokens, batch_size=256):
    """Mean cross-entropy in nats per word, the end token included, without dropout.

    `exp` of it is the perplexity: the model is as unsure as a fair choice among so many words.

    Args:
        model: A merge model.
        features, rows, tokens: The captions to predict, as `make_batches` takes them.
        batch_size: Captions per step.

    Returns:
        A float. Taught in notebooks 05 and 06.
    """
    loss = MaskedCrossentropy()

    @tf.function(reduce_retracing=True)
    def sum_over_words(inputs, targets):
        words = tf.math.count_nonzero(targets, dtype=tf.float32)
        return loss(targets, model(inputs, training=False)) * words, words

    batches, _ = make_batches(features, rows, tokens, batch_size)
    totals = np.array([[float(x) for x in sum_over_words(*batch)] for batch in batches])
    return float(totals[:, 0].sum() / totals[:, 1].sum())


class KeepRun(keras.callbacks.Callback):
    """Write history, checkpoint and best weights after every epoch; stop early.

    Everything it knows is in the files of `folder`, so training that was cut off goes on from
    its last whole epoch.

    Args:
        folder: Where history.csv, checkpoint.keras, best.keras and samples.csv are written.
        dev_data: features, rows, tokens of the dev split.
        settings: patience and seed.
        describe: Called with the model after every epoch; returns a list of dicts that are
            collected in samples.csv. None for nothing.
    """

    def __init__(self, folder, dev_data, settings, describe):
        super().__init__()
        self.folder, self.dev_data, self.settings = folder, dev_data, settings
        self.describe = describe
        path = folder / "history.csv"
        self.rows = pd.read_csv(path).to_dict("records") if path.exists() else []

    @property
    def waited(self):
        """Epochs since the best dev loss."""
        losses = [row["dev_loss"] for row in self.rows]
        return len(losses) - 1 - int(np.argmin(losses)) if losses else 0

    def on_train_begin(self, logs=None):
        steps = self.params["steps"]
        total, done = self.params["epochs"] * steps, len(self.rows) * steps
        self.bar = tqdm(total=total, initial=done, desc="training", unit="batch", mininterval=1)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_train_end(self, logs=None):
        self.bar.close()

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()
        # Dropout depends on seed and epoch alone, so that resumed training repeats itself too.
        for number, layer in enumerate(self.model.layers):
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign([self.settings.seed + 1000 * number, epoch << 20])

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1, "loss": logs["loss"]}
        row["dev_loss"] = dev_crossentropy(self.model, *self.dev_data)
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        row["seconds"] = time.perf_counter() - self.started
        self.rows.append(row)
        if self.describe:
            self._describe(epoch + 1)
        if self.waited == 0:
            save_model(self.folder / "best.keras", self.model)
        save_model(self.folder / "checkpoint.keras", self.model)
        # Last: an epoch counts as done when the history says so.
        save_table(self.folder / "history.csv", pd.DataFrame(self.rows))
        losses = {name: f"{row[name]:.3f}" for name in ("loss", "dev_loss")}
        self.bar.set_postfix(epoch=epoch + 1, **losses)
        self.model.stop_training = self.waited >= self.settings.patience

    def _describe(self, epoch):
        samples = self.folder / "samples.csv"
        said = pd.DataFrame(self.describe(self.model)).assign(epoch=epoch)
        if samples.exists():
            before = pd.read_csv(samples, keep_default_na=False)
            said = pd.concat([before[before["epoch"] < epoch], said])
        save_table(samples, said)


def save_model(path, model):
    """Save a Keras model as `.keras`, atomically."""
    with atomic_path(path) as temporary:
        model.save(temporary)


def train(model, train_data, dev_data, settings, folder, describe=None):
    """Train the merge model by teacher forcing until the dev loss no longer falls.

    Args:
        model: An untrained model of `utils.model.build_model`.
        train_data: features, rows, tokens of the train split, as `make_batches` takes them.
        dev_data: The same of the dev split.
        settings: feature_scale, epochs, patience, batch_size, learning_rate, weight_decay,
            label_smoothing, seed.
        folder: Where the training's own files lie. If a training with the same settings and
            data was cut off there, it goes on after its last whole epoch.
        describe: Called with the model after every epoch; returns a list of dicts that are
            collected in `samples.csv`.

    Returns:
        The model of the best epoch, the history (DataFrame: epoch, loss, dev_loss,
        learning_rate, seconds) and the samples (DataFrame, or None).
    """
    started_as = {"settings": settings.model_settings(), "data": _data_fingerprint(train_data)}
    if not _same_json(folder / "started.json", started_as):
        shutil.rmtree(folder, ignore_errors=True)
        write_json(folder / "started.json", started_as)
    keeper = KeepRun(folder, dev_data, settings, describe)
    first_epoch = len(keeper.rows)

    keras.utils.set_random_seed(settings.seed)
    batches, steps = make_batches(
        *train_data, settings.batch_size, seed=settings.seed, first_epoch=first_epoch
    )
    if first_epoch:
        model = keras.models.load_model(folder / "checkpoint.keras")
        print(f"Resuming after epoch {first_epoch}.")
    else:
        schedule = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate, settings.epochs * steps
        )
        features, rows, _ = train_data
        of_train = features[np.unique(rows)].reshape(-1, features.shape[-1])
        model.get_layer("standardize").adapt(of_train, settings.feature_scale)
        optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=settings.weight_decay, clipnorm=5.0
        )
        model.compile(
            optimizer=optimizer,
            loss=MaskedCrossentropy(settings.label_smoothing),
            jit_compile=False,  # compiling with XLA is slower on a CPU
        )
    if keeper.waited < settings.patience:
        with bfloat16_products():
            model.fit(
                batches,
                steps_per_epoch=steps,
                initial_epoch=first_epoch,
                epochs=settings.epochs,
                callbacks=[keeper],
                shuffle=False,  # the batches are already in random order
                verbose=0,
            )
    samples = folder / "samples.csv"
    return (
        keras.models.load_model(folder / "best.keras", compile=False),
        pd.DataFrame(keeper.rows),
        pd.read_csv(samples, keep_default_na=False) if samples.exists() else None,
    )


@contextmanager
def bfloat16_products():
    """Compute matrix products in bfloat16 where the CPU can, all else in float32.

    Training is over 1.5 times as fast and reaches the same loss. Decoding is left in float32.
    """
    option = "auto_mixed_precision_onednn_bfloat16"
    tf.config.optimizer.set_experimental_options({option: cpu_has_bfloat16()})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: False})


def _data_fingerprint(data):
    return [hashlib.sha256(np.ascontiguousarray(array)).hexdigest() for array in data]


def _same_json(path, content):
    return path.exists() and json.loads(path.read_text("utf-8")) == content


def save_training(run_folder, model, history, settings):
    """Write `model.keras`, `history.csv` and their manifests; the training's own files go."""
    save_model(run_folder / "model.keras", model)
    save_table(run_folder / "history.csv", history)
    made_from = [run_folder / name for name in ("features.npy", "vocabulary.json", "tokens.npy")]
    for name in ("model.keras", "history.csv"):
        write_manifest(
            run_folder / name,
            made_from,
            encoder=settings.encoder,
            mirrored=settings.mirrored,
            alpha=settings.alpha,
            settings=settings.model_settings(),
        )
    shutil.rmtree(run_folder / "training", ignore_errors=True)
