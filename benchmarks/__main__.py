"""Time this course's training and decoding beside the way that tutorials are written.

Both sides use the same numbers of units and words, the same random captions and this machine, in
turns, so that the ratio holds even if the machine's speed drifts.
"""

import platform
import time

import numpy as np

from utils.decoding import make_decoder
from utils.model import build_model
from utils.tensorflow_setup import keras, tf
from utils.settings import load_settings
from utils.training import MaskedCrossentropy, make_batches
from utils.vocabulary import END, START, Vocabulary

FEATURE_SIZE, WORDS, LONGEST = 2048, 2541, 38  # Flickr8k, with its longest caption
ROUNDS = 3


def random_captions(count, rng):
    """Right-padded tokens [count, LONGEST] whose lengths are spread like Flickr8k's."""
    tokens = np.zeros((count, LONGEST), np.int32)
    for row in tokens:
        length = int(np.clip(rng.normal(10.8, 3.8), 2, LONGEST - 2))
        row[: length + 2] = [START, *rng.integers(4, WORDS, length), END]
    return tokens


def tutorial_model(settings):
    """The merge model as tutorials build it: one prefix in, one word out, left padding."""
    layers = keras.layers
    features, prefix = keras.Input((FEATURE_SIZE,)), keras.Input((LONGEST,))
    words = layers.Embedding(WORDS, settings.embedding_size, mask_zero=True)(prefix)
    words = layers.LSTM(settings.units)(layers.Dropout(0.5)(words))
    picture = layers.Dense(settings.units, activation="relu")(layers.Dropout(0.5)(features))
    merged = layers.Dense(settings.units, activation="relu")(layers.add([picture, words]))
    model = keras.Model([features, prefix], layers.Dense(WORDS, activation="softmax")(merged))
    model.compile("adam", "categorical_crossentropy", jit_compile=False)
    return model


def tutorial_samples(features, tokens):
    """One sample per prefix: features, left-padded prefixes, one-hot next words."""
    rows, prefixes, targets = [], [], []
    for row, caption in enumerate(tokens):
        for end in range(1, np.count_nonzero(caption)):
            rows.append(row)
            prefixes.append(np.pad(caption[:end], (LONGEST - end, 0)))
            targets.append(caption[end])
    return features[rows], np.array(prefixes), keras.utils.to_categorical(targets, WORDS)


def tutorial_greedy(model, feature, max_length):
    """Greedy search as tutorials write it: the whole prefix through `predict` for every word."""
    words = [START]
    while len(words) <= max_length:
        prefix = np.pad(words, (LONGEST - len(words), 0))
        probabilities = model.predict([feature[None], prefix[None]], verbose=0)[0]
        probabilities[:4] = 0  # random weights: both sides say `max_length` words
        words.append(int(probabilities.argmax()))
    return words


def seconds(function, *arguments):
    """Wall-clock seconds of a call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def compare(name, unit, ours, theirs):
    """Time both in turns after one round to warm up; print seconds per unit and the ratio."""
    ours(), theirs()
    pairs = np.array([(ours(), theirs()) for _ in range(ROUNDS)])
    ours_median, theirs_median = np.median(pairs, axis=0)
    ratios = pairs[:, 1] / pairs[:, 0]
    print(
        f"{name:9} this course {1000 * ours_median:8.2f} ms, tutorials {1000 * theirs_median:9.2f}"
        f" ms {unit}; ratio {np.median(ratios):6.1f} ({ratios.min():.1f} to {ratios.max():.1f})"
    )


def main():
    """Print training and decoding times of both sides."""
    settings = load_settings(dataset="flickr8k")
    rng = np.random.default_rng(settings.seed)
    captions, pictures, length = 1024, 200, 12
    features = rng.normal(size=(captions, FEATURE_SIZE)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    tokens = random_captions(captions, rng)
    print(
        f"{platform.machine()}, tensorflow {tf.__version__}, {settings.units} units, {WORDS} words;"
        f" medians of {ROUNDS} rounds"
    )

    model = build_model(FEATURE_SIZE, WORDS, settings)
    model.compile("adam", MaskedCrossentropy(), jit_compile=False)
    batches, steps = make_batches(features, np.arange(captions), tokens, 128, seed=1)
    theirs = tutorial_model(settings)
    samples = tutorial_samples(features[:64], tokens[:64])

    def train_ours():
        options = {"steps_per_epoch": steps, "shuffle": False, "verbose": 0}
        return seconds(lambda: model.fit(batches, **options)) / captions

    def train_theirs():
        return seconds(lambda: theirs.fit(*_inputs(samples), batch_size=64, verbose=0)) / 64

    compare("training", "a caption", train_ours, train_theirs)

    # Without the end token both write captions of exactly `length` words.
    vocabulary = Vocabulary(tuple(map(str, range(WORDS))))
    kernel, bias = model.get_layer("logits").get_weights()
    bias[END] = -1e9
    model.get_layer("logits").set_weights([kernel, bias])
    decode = make_decoder(model, vocabulary)

    def decode_ours():
        return seconds(decode, features[:pictures], 1, 0.0, length) / pictures

    def decode_theirs():
        return seconds(tutorial_greedy, theirs, features[0], length)

    compare("decoding", "a picture", decode_ours, decode_theirs)


def _inputs(samples):
    features, prefixes, targets = samples
    return [features, prefixes], targets


if __name__ == "__main__":
    main()
