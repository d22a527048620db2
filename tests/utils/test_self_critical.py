from dataclasses import replace

import numpy as np
import pytest

from utils.metrics import CiderD
from utils.model import build_model
from utils.self_critical import (
    advantages_of,
    make_reward,
    make_sampler,
    rewards_of,
    train_for_score,
)
from utils.vocabulary import END, PADDING, START, UNKNOWN, Vocabulary

WORDS = ("<padding>", "<start>", "<end>", "<unknown>", "x", "y", "z")


@pytest.fixture
def model(settings):
    model = build_model(6, len(WORDS), settings)
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def test_samples_are_whole_captions_without_special_words(model):
    features = np.random.default_rng(1).normal(size=(200, 6)).astype(np.float32)
    tokens = make_sampler(model, len(WORDS), 5)(features, [7, 0])
    assert (tokens[:, 0] == START).all() and tokens.shape[1] <= 7
    assert not np.isin(tokens[:, 1:], [START, UNKNOWN]).any()
    for row in tokens[:, 1:]:
        length = np.argmax(row == END) if END in row else len(row)
        assert (row[length + 1 :] == PADDING).all()
        assert PADDING not in row[: length + 1]


def test_samples_repeat_with_the_seed_only(model):
    features = np.ones((50, 6), np.float32)
    sample = make_sampler(model, len(WORDS), 5)
    first = sample(features, [7, 0])
    np.testing.assert_array_equal(first, sample(features, [7, 0]))
    assert first.tolist() != sample(features, [7, 1]).tolist()
    assert len({tuple(row) for row in first}) > 3  # each row has its own chance


def test_words_are_drawn_with_the_probability_that_the_model_gives_them(model):
    feature = np.random.default_rng(2).normal(size=(1, 6)).astype(np.float32)
    tokens = make_sampler(model, len(WORDS), 1)(np.repeat(feature, 20_000, 0), [7, 0])
    logits = model([feature, np.array([[START]])]).numpy()[0, 0]
    logits[[PADDING, START, UNKNOWN]] = -np.inf
    expected = np.exp(logits) / np.exp(logits).sum()
    drawn = np.bincount(tokens[:, 1], minlength=len(WORDS)) / len(tokens)
    np.testing.assert_allclose(drawn, expected, atol=0.02)


def test_a_caption_that_breaks_off_is_worth_less():
    vocabulary = Vocabulary(WORDS)
    references = [["x y z y", "x y z y"], ["y", "y x"], ["z", "z"]]
    reward = make_reward(references)
    whole, cut = [START, 4, 5, 6, 5, END], [START, 4, 5, 6, 5, PADDING]
    rewards = rewards_of(np.array([whole, cut]), np.array([0, 0]), vocabulary, reward)
    assert rewards[0] > rewards[1]
    assert CiderD(references).scores(["x y z y"], [0])[0] == pytest.approx(10)


def test_advantages_compare_siblings():
    advantages = advantages_of(np.array([1.0, 2.0, 6.0, 3.0, 3.0, 3.0]), 3)
    np.testing.assert_allclose(advantages, [-3, -1.5, 4.5, 0, 0, 0])
    assert advantages.dtype == np.float32


@pytest.fixture
def task(toy, settings):
    """Features and references of the toy pictures, for training and as dev."""
    settings = replace(
        settings, dropout=0.0, reward_epochs=15, reward_patience=15, reward_batch_size=8,
        reward_learning_rate=1e-2, max_length=6,
    )  # fmt: skip
    data = toy["features"], [[caption] for caption in toy["captions"]]
    return build_model(6, len(toy["vocabulary"]), settings), data, toy["vocabulary"], settings


def test_the_reward_rises_and_the_best_epoch_is_kept(task):
    model, data, vocabulary, settings = task
    history = train_for_score(model, data, data, vocabulary, settings)
    assert history["epoch"].tolist() == list(range(len(history)))
    assert history["reward"].iloc[-1] > history["reward"].iloc[1] + 0.5
    best = history["dev_cider_d"].max()
    assert best > history["dev_cider_d"].iloc[0] + 10
    again = train_for_score(model, data, data, vocabulary, replace(settings, reward_epochs=0))
    assert again["dev_cider_d"].iloc[0] == pytest.approx(best)


def test_the_same_run_twice_gives_the_same_weights(task):
    model, data, vocabulary, settings = task
    settings = replace(settings, reward_epochs=1)
    start, ends = model.get_weights(), []
    for _ in range(2):
        model.set_weights(start)
        train_for_score(model, data, data, vocabulary, settings)
        ends.append(model.get_weights())
    for first, second in zip(*ends, strict=True):
        np.testing.assert_array_equal(first, second)


def test_training_stops_when_dev_does_not_improve(task):
    model, data, vocabulary, settings = task
    settings = replace(settings, reward_learning_rate=0.0, reward_patience=2)
    assert len(train_for_score(model, data, data, vocabulary, settings)) == 3
