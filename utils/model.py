"""The merge model: CNN features and an LSTM over the words, added, then a softmax (notebook 04).

Tanti, Gatt and Camilleri, "Where to put the image in an image caption generator", Natural
Language Engineering 24(3), 2018: the LSTM never sees the picture; both meet after it.
"""

from typing import Any

import numpy as np

from utils.blocks import mean_and_deviation
from utils.settings import Settings
from utils.tensorflow_setup import keras

layers, initializers = keras.layers, keras.initializers


@keras.saving.register_keras_serializable("image_caption_course")
class Standardize(keras.layers.Layer):
    """Subtract the mean feature vector and divide by one number: the same scale for every encoder.

    All pictures share most of their feature vector; without the mean, what remains is what tells
    them apart. Dividing every entry by its own deviation instead would blow up the quiet ones.
    Until `adapt` has seen features it only makes rows of length 1 larger.
    """

    def build(self, shape: tuple) -> None:
        """Make the two weights, which training does not change."""
        self.mean = self.add_weight(shape=shape[-1:], initializer="zeros", trainable=False)
        scale = initializers.Constant(shape[-1] ** 0.5)
        self.scale = self.add_weight(shape=(), initializer=scale, trainable=False)

    def adapt(
        self, features: np.ndarray, deviation: float = 1.0, rows: np.ndarray | None = None
    ) -> None:
        """Take the mean from the features [P, ..., D] of pictures; scale to a deviation.

        `rows` says which of the pictures, by default all. The smaller the deviation, the slower
        the picture is learned, and the less by heart.
        """
        mean, found = mean_and_deviation(features, rows)
        self.mean.assign(mean)
        self.scale.assign(deviation / (found or 1.0))  # 0: a single picture

    def call(self, features: Any) -> Any:
        """Standardize features [N, D]."""
        return (features - self.mean) * self.scale


def build_model(feature_size: int, vocabulary_size: int, settings: Settings) -> Any:
    """Build the untrained merge model.

    The LSTM is causal: its output at position t depends on tokens 0..t only. One pass over a
    caption therefore gives every next-word prediction at once.

    Args:
        feature_size: D, the length of a feature vector.
        vocabulary_size: V, special tokens included.
        settings: embedding_size, units, the dropouts and the seed, which alone decides the
            initial weights.

    Returns:
        A `keras.Model` from (features [N, D] float32, tokens [N, T] int32) to logits [N, T, V].
        Taught in notebook 04.
    """
    seeds = np.random.default_rng(settings.seed)

    def dropout(rate, name):
        return layers.Dropout(rate, seed=int(seeds.integers(2**31)), name=name)

    def glorot():
        return initializers.GlorotUniform(seed=int(seeds.integers(2**31)))

    def small():
        # Where features come in and words go out: an untrained model prefers no word.
        return initializers.VarianceScaling(0.01, seed=int(seeds.integers(2**31)))

    units = settings.units
    features = keras.Input((feature_size,), name="features")
    tokens = keras.Input((None,), dtype="int32", name="tokens")

    picture = Standardize(name="standardize")(features)
    if settings.feature_dropout:
        picture = dropout(settings.feature_dropout, "features_dropout")(picture)
    picture = layers.Dense(units, kernel_initializer=small(), name="picture")(picture)
    picture = layers.Reshape((1, units), name="picture_per_word")(picture)

    table = initializers.RandomUniform(seed=int(seeds.integers(2**31)))
    words = layers.Embedding(vocabulary_size, settings.embedding_size, table, name="embedding")
    words = dropout(settings.dropout, "embedding_dropout")(words(tokens))
    words = _lstm(units, glorot(), int(seeds.integers(2**31)))(words)
    words = dropout(settings.dropout, "lstm_dropout")(words)

    merged = layers.Add(name="merge")([picture, words])  # [N, 1, units] + [N, T, units]
    mix = layers.Dense(units, "relu", kernel_initializer=glorot(), name="fully_connected")
    merged = dropout(settings.dropout, "fully_connected_dropout")(mix(merged))
    logits = layers.Dense(vocabulary_size, kernel_initializer=small(), name="logits")(merged)
    return keras.Model([features, tokens], logits, name="merge_model")


def _lstm(units, kernel, seed):
    recurrent = initializers.Orthogonal(seed=seed)
    return layers.LSTM(
        units,
        kernel_initializer=kernel,
        recurrent_initializer=recurrent,
        return_sequences=True,
        seed=seed,
        name="lstm",
    )


def extend_model(known: Any, vocabulary_size: int, settings: Settings) -> Any:
    """Build a model that goes on from a trained one, with room for more words.

    Every weight is that of the trained model. A new word begins as the mean of all words, where
    words come in and where they go out, and as improbable as the rare ones are.

    Args:
        known: A trained model of `build_model`, with no more words and as many units.
        vocabulary_size: V, the words of `known` first, with their tokens.
        settings: As for `build_model`.

    Returns:
        A `keras.Model` as from `build_model`. Taught in notebook 05.
    """
    model = build_model(known.inputs[0].shape[-1], vocabulary_size, settings)
    more = vocabulary_size - known.get_layer("embedding").input_dim
    for layer in known.layers:
        arrays = layer.get_weights()
        if layer.name == "embedding":
            arrays = [_with_means(arrays[0], more)]
        elif layer.name == "logits":
            kernel, bias = arrays
            arrays = [
                _with_means(kernel.T, more).T,
                np.append(bias, [np.quantile(bias, 0.1)] * more),
            ]
        if arrays:
            model.get_layer(layer.name).set_weights(arrays)
    return model


def _with_means(rows, more):
    return np.concatenate([rows, np.repeat(rows.mean(0, keepdims=True), more, axis=0)])


def build_decoder(model: Any) -> tuple[Any, Any]:
    """Rewire the layers of a trained merge model for decoding, one word at a time.

    The weights are shared, not copied. The LSTM's state is an input and an output, so that a
    search carries it along and never reads a prefix again.

    Args:
        model: A model of `build_model`.

    Returns:
        Two `keras.Model`s: `picture_model` from features [N, D] to picture vectors [N, units];
        `step_model` from (picture vectors [N, units], tokens [N] int32, h [N, units],
        c [N, units]) to (logits [N, V], h, c).
    """
    layer = model.get_layer
    units = layer("lstm").units
    features = keras.Input((layer("picture").input.shape[-1],), name="features")
    vector = layer("picture")(layer("standardize")(features))
    picture_model = keras.Model(features, vector, name="picture_model")

    picture = keras.Input((units,), name="picture_vector")
    token = keras.Input((), dtype="int32", name="token")
    h_before, c_before = keras.Input((units,), name="h"), keras.Input((units,), name="c")
    words, (h, c) = layer("lstm").cell(layer("embedding")(token), [h_before, c_before])
    merged = layer("fully_connected")(layers.Add()([picture, words]))
    logits = layer("logits")(merged)
    step_model = keras.Model(
        [picture, token, h_before, c_before], [logits, h, c], name="step_model"
    )
    return picture_model, step_model
