"""A block at a time gives what the whole would, in little memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.batches import Batches
from utils.blocks import BLOCK, blocks, mean_and_deviation, mean_of_views, nearest_rows


def random_features(*shape, dtype=np.float16, seed=0):
    return np.random.default_rng(seed).normal(0.3, 1, shape).astype(dtype)


@given(st.integers(0, 5000), st.integers(1, 700))
def test_blocks_cover_every_row_once(count, size):
    found = [row for some in blocks(count, size) for row in range(some.start, some.stop)]
    assert found == list(range(count))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("count", [1, BLOCK, BLOCK + 1])
def test_mean_of_views(dtype, views, count):
    features = random_features(count, views, 3, dtype=dtype)
    means = mean_of_views(features)
    assert means.dtype == dtype and means.shape == (count, 3)
    expected = features.astype(float).mean(axis=1)
    np.testing.assert_allclose(means, expected, rtol=1e-3, atol=1e-3)
    rows = np.arange(count)[::-2]
    np.testing.assert_array_equal(mean_of_views(features, rows), means[rows])


@pytest.mark.parametrize("shape", [(1, 4), (BLOCK - 1, 4), (2 * BLOCK + 5, 2, 4), (3000, 1, 4)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("chosen", [slice(None), slice(0, 1), slice(None, None, 3)])
def test_mean_and_deviation(shape, dtype, chosen):
    features = random_features(*shape, dtype=dtype)
    rows = np.arange(len(features))[chosen]
    mean, deviation = mean_and_deviation(features, rows)
    exact = features[chosen].astype(float).reshape(-1, 4)
    np.testing.assert_allclose(mean, exact.mean(axis=0), atol=1e-6)
    assert deviation == pytest.approx((exact - exact.mean(axis=0)).std(), rel=1e-5)
    assert mean.dtype == np.float32


def test_all_rows_are_the_default():
    features = random_features(100, 2, 4)
    mean, deviation = mean_and_deviation(features)
    other, same = mean_and_deviation(features, np.arange(100))
    np.testing.assert_array_equal(mean, other)
    assert deviation == same


def test_equal_features_have_no_deviation():
    assert mean_and_deviation(np.full((50, 4), 0.3, np.float32))[1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("count", [1, 5, 5000])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_nearest_rows_are_those_of_the_whole_matrix(count, dtype):
    features = random_features(2 * BLOCK + 3 if count < 100 else 40, 6, dtype=dtype)
    queries = random_features(7, 6, seed=1)
    rows, cosines = nearest_rows(queries, features, count)
    exact = queries.astype(float) @ features.T.astype(float)
    exact /= np.linalg.norm(queries.astype(float), axis=1)[:, None]
    exact /= np.linalg.norm(features.astype(float), axis=1)
    best = np.argsort(-exact, axis=1)[:, :count]
    np.testing.assert_allclose(cosines, np.take_along_axis(exact, best, 1), atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(exact, rows, 1), cosines, atol=1e-5)
    assert all(len(set(line)) == len(line) for line in rows.tolist())


def test_of_equals_the_first_is_the_nearest():
    features = np.tile(np.eye(3, dtype=np.float32), (BLOCK, 1))
    rows, cosines = nearest_rows(np.eye(3)[1:2] * 5, features, 3)
    assert rows.tolist() == [[1, 4, 7]] and cosines.tolist() == [[1, 1, 1]]


def test_a_row_of_zeros_is_near_to_nothing():
    rows, cosines = nearest_rows(np.eye(2), np.zeros((1, 2)))
    assert rows.tolist() == [[0], [0]] and cosines.tolist() == [[0], [0]]


@pytest.mark.parametrize(
    "work",
    [
        lambda views: mean_and_deviation(views),
        lambda views: mean_and_deviation(views, np.arange(0, len(views), 2)),
        lambda views: nearest_rows(views[:4, 0], views[:, 0], 5),
        lambda views: mean_of_views(views[:, :1]),
    ],
    ids=["standardize", "standardize some", "neighbors", "one view"],
)
def test_what_lies_on_disk_is_not_taken_into_memory(tmp_path, work):
    shape = (60 * BLOCK, 2, 32)
    np.save(tmp_path / "views.npy", np.zeros(shape, np.float16))
    views = np.load(tmp_path / "views.npy", mmap_mode="r")
    tracemalloc.start()
    work(views)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < views.nbytes / 3


def test_features_in_float16_are_taken_by_everything(toy, settings):
    """They are rounded, and nothing else: every door gives what it gives for float32."""
    from utils.decoding import make_decoder, word_probabilities
    from utils.self_critical import make_reward_step, make_sampler
    from utils.tensorflow_setup import keras
    from utils.training import dev_crossentropy, make_step, untrained_model

    def everything(features):
        data = Batches(features, toy["rows"], toy["tokens"], 48, seed=1)
        model = untrained_model(data, len(toy["vocabulary"]), settings)
        batch = features[:5], toy["tokens"][:5]
        optimizers = [keras.optimizers.Adam() for _ in range(2)]
        sample = make_sampler(model, len(toy["vocabulary"]), 5)
        optimizers[0].build(model.trainable_variables)
        return [
            *model.get_layer("standardize").get_weights(),
            model([batch[0], batch[1][:, :-1]]),
            *make_decoder(model, toy["vocabulary"])(features[:5])[0],
            *word_probabilities([model], toy["vocabulary"], batch[0], toy["captions"][:5]),
            dev_crossentropy(model, features, toy["rows"], toy["tokens"]),
            sample(batch[0], [1, 2]),
            make_reward_step(model, optimizers[1])(*batch, np.ones(5, np.float32)),
            make_step(model, optimizers[0])(batch[0], batch[1][:, :-1], batch[1][:, 1:]),
        ]

    rounded = toy["features"].astype(np.float16)
    pairs = zip(everything(rounded), everything(rounded.astype(np.float32)), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
