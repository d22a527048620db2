"""Time this course's training and decoding beside the way that tutorials are written.

All sides use the same numbers of units and words, the same random captions and this machine, in
turns, so that the ratio holds even if the machine's speed drifts. All train with bfloat16 products
where the CPU has them, and decode in float32.
"""

import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.batches import Batches
from utils.decoding import make_decoder
from utils.model import build_model
from utils.settings import Settings, default_settings
from utils.tensorflow_setup import bfloat16_products, cpu_has_bfloat16, keras, tf
from utils.training import CLIP_NORM, make_step, masked_crossentropy
from utils.vocabulary import END, START, Vocabulary

FEATURE_SIZE, WORDS, LONGEST = 2048, 2541, 38  # Flickr8k, with its longest caption
ROUNDS = 3
LENGTH = 12  # words that every search writes


def random_captions(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return right-padded tokens [count, LONGEST] whose lengths are spread like Flickr8k's."""
    tokens = np.zeros((count, LONGEST), np.int32)
    for row in tokens:
        length = int(np.clip(rng.normal(10.8, 3.8), 2, LONGEST - 2))
        row[: length + 2] = [START, *rng.integers(4, WORDS, length), END]
    return tokens


def tutorial_model(settings: Settings) -> Any:
    """Build the merge model as tutorials build it: one prefix in, one word out, left padding."""
    layers = keras.layers
    features, prefix = keras.Input((FEATURE_SIZE,)), keras.Input((LONGEST,))
    words = layers.Embedding(WORDS, settings.embedding_size, mask_zero=True)(prefix)
    words = layers.LSTM(settings.units)(layers.Dropout(0.5)(words))
    picture = layers.Dense(settings.units, activation="relu")(layers.Dropout(0.5)(features))
    merged = layers.Dense(settings.units, activation="relu")(layers.add([picture, words]))
    model = keras.Model([features, prefix], layers.Dense(WORDS, activation="softmax")(merged))
    model.compile("adam", "categorical_crossentropy", jit_compile=False)
    return model


def tutorial_samples(
    features: np.ndarray, tokens: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """Make one sample per prefix: features and left-padded prefixes; one-hot next words."""
    rows, prefixes, targets = [], [], []
    for row, caption in enumerate(tokens):
        for end in range(1, np.count_nonzero(caption)):
            rows.append(row)
            prefixes.append(np.pad(caption[:end], (LONGEST - end, 0)))
            targets.append(caption[end])
    return [features[rows], np.array(prefixes)], keras.utils.to_categorical(targets, WORDS)


def tutorial_greedy(model: Any, feature: np.ndarray, max_length: int) -> list[int]:
    """Search greedily as tutorials do: the whole prefix through `predict` for every word."""
    words = [START]
    while len(words) <= max_length:
        prefix = np.pad(words, (LONGEST - len(words), 0))
        probabilities = model.predict([feature[None], prefix[None]], verbose=0)[0]
        probabilities[:4] = 0  # random weights: both sides say `max_length` words
        words.append(int(probabilities.argmax()))
    return words


def seconds(function: Callable[..., Any], *arguments: Any) -> float:
    """Return the wall-clock seconds of a call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def compare(
    name: str, unit: str, ours: Callable[[], float], other: str, theirs: Callable[[], float]
) -> None:
    """Time both in turns after one round to warm up; print times per unit and their ratio."""
    ours(), theirs()
    pairs = np.array([(ours(), theirs()) for _ in range(ROUNDS)])
    ours_median, theirs_median = np.median(pairs, axis=0)
    ratios = pairs[:, 1] / pairs[:, 0]
    print(
        f"{name:9} this course {1000 * ours_median:8.2f} ms, {other:9} {1000 * theirs_median:9.2f}"
        f" ms {unit}; ratio {np.median(ratios):6.2f} ({ratios.min():.2f} to {ratios.max():.2f})"
    )


def as_dataset(batches: Batches) -> Any:
    """Return the batches as `model.fit` takes them; told their shapes, it compiles only once."""
    words = tf.TensorSpec((None, None), tf.int32)
    spec = ((tf.TensorSpec((None, FEATURE_SIZE)), words), words)

    def pairs():
        for features, inputs, targets in batches.epoch():
            yield (features, inputs), targets

    return tf.data.Dataset.from_generator(pairs, output_signature=spec).repeat()


def compare_training(batches: Batches, settings: Settings) -> None:
    """Time an epoch of our loop, of `model.fit` on the same batches, and of the tutorials."""
    model, fitted = (build_model(FEATURE_SIZE, WORDS, settings) for _ in range(2))
    optimizer = keras.optimizers.AdamW(settings.learning_rate)
    optimizer.build(model.trainable_variables)
    learn = make_step(model, optimizer)
    same = keras.optimizers.AdamW(settings.learning_rate, clipnorm=CLIP_NORM)
    fitted.compile(same, masked_crossentropy, jit_compile=False)
    theirs, some = tutorial_model(settings), 64
    samples = tutorial_samples(batches.features[:some], batches.tokens[:some])

    dataset = as_dataset(batches)

    def our_epoch():
        for batch in batches.epoch():
            float(learn(*batch))

    def fit():
        fitted.fit(dataset, steps_per_epoch=batches.steps, shuffle=False, verbose=0)

    def ours():
        return seconds(our_epoch) / len(batches.tokens)

    compare("training", "a caption", ours, "model.fit", lambda: seconds(fit) / len(batches.tokens))

    def tutorials():
        return seconds(lambda: theirs.fit(*samples, batch_size=64, verbose=0)) / some

    compare("training", "a caption", ours, "tutorials", tutorials)


def compare_decoding(features: np.ndarray, settings: Settings) -> None:
    """Time greedy search; without the end token both sides write `LENGTH` words."""
    model, theirs = build_model(FEATURE_SIZE, WORDS, settings), tutorial_model(settings)
    kernel, bias = model.get_layer("logits").get_weights()
    bias[END] = -1e9
    model.get_layer("logits").set_weights([kernel, bias])
    decode = make_decoder(model, Vocabulary(tuple(map(str, range(WORDS)))))

    def ours():
        return seconds(decode, features, 1, 0.0, LENGTH) / len(features)

    def tutorials():
        return seconds(tutorial_greedy, theirs, features[0], LENGTH)

    compare("decoding", "a picture", ours, "tutorials", tutorials)


def main(captions: int = 1024, pictures: int = 200) -> None:
    """Print training and decoding times of all sides."""
    settings = default_settings("flickr8k", "vgg16", "full")
    keras.utils.set_random_seed(settings.seed)  # dropout without a seed of its own asks for it
    rng = np.random.default_rng(settings.seed)
    features = rng.normal(size=(captions, FEATURE_SIZE)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    tokens = random_captions(captions, rng)
    print(
        f"{platform.machine()}, tensorflow {tf.__version__}, {settings.units} units, {WORDS} words,"
        f" training in {'bfloat16' if cpu_has_bfloat16() else 'float32'};"
        f" medians of {ROUNDS} rounds"
    )
    with bfloat16_products():
        compare_training(Batches(features, np.arange(captions), tokens, 128, seed=1), settings)
    compare_decoding(features[:pictures], settings)


if __name__ == "__main__":
    main()
