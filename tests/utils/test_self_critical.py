from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils import self_critical
from utils.decoding import make_decoder
from utils.metrics import CiderD, score_captions
from utils.model import build_model
from utils.self_critical import (
    advantages_of,
    make_reward,
    make_reward_step,
    make_sampler,
    rewards_of,
    train_for_score,
)
from utils.tensorflow_setup import keras
from utils.vocabulary import END, PADDING, START, UNKNOWN, Vocabulary

WORDS = ("<padding>", "<start>", "<end>", "<unknown>", "x", "y", "z")


@pytest.fixture
def model(settings):
    model = build_model(6, len(WORDS), settings)
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("max_length", [1, 2, 5])
def test_samples_are_whole_captions_of_bounded_length_without_special_words(model, max_length):
    features = np.random.default_rng(1).normal(size=(200, 6)).astype(np.float32)
    tokens = make_sampler(model, len(WORDS), max_length)(features, [7, 0])
    assert (tokens[:, 0] == START).all()
    assert not np.isin(tokens[:, 1:], [START, UNKNOWN]).any()
    ends = 0
    for row in tokens[:, 1:]:
        words = [token for token in row if token not in (END, PADDING)]
        assert row[: len(words)].tolist() == words and len(words) <= max_length
        ends += END in row
        assert END in row or len(words) == max_length  # one that breaks off is full
        assert (row[len(words) + (END in row) :] == PADDING).all()
    assert 0 < ends < 200


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


def test_a_step_follows_the_sign_of_the_advantage(model):
    features = np.ones((2, 6), np.float32)
    tokens = np.array([[START, 4, END, PADDING], [START, 5, 6, END]], np.int32)

    def log_probabilities():
        logits = model([features, tokens[:, :-1]]).numpy()
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        said = np.take_along_axis(log_p, tokens[:, 1:, None], -1)[..., 0]
        return (said * (tokens[:, 1:] != PADDING)).sum(1)

    before = log_probabilities()
    optimizer = keras.optimizers.SGD(0.01)
    loss = make_reward_step(model, optimizer)(features, tokens, np.array([1, -1], np.float32))
    assert float(loss) == pytest.approx((before[1] - before[0]) / 5, abs=1e-4)  # 5 words, ends too
    change = log_probabilities() - before
    assert change[0] > 0 > change[1]


def test_a_step_in_parts_is_the_step(model, monkeypatch):
    rng = np.random.default_rng(3)
    batch = (
        rng.normal(size=(5, 6)).astype(np.float32),
        np.array([[START, *rng.integers(4, 7, 3), END] for _ in range(5)], np.int32),
        rng.normal(size=5).astype(np.float32),
    )
    before, found = model.get_weights(), []
    for logits in (10_000_000, 2 * 5 * len(WORDS), 1):  # all captions together, two, one
        monkeypatch.setattr(self_critical, "LOGITS_AT_ONCE", logits)
        model.set_weights(before)
        loss = make_reward_step(model, keras.optimizers.SGD(0.1))(*batch)
        found.append([np.float32(loss), *model.get_weights()])
    for parts in zip(*found, strict=True):
        np.testing.assert_allclose(parts[1], parts[0], atol=1e-6)
        np.testing.assert_allclose(parts[2], parts[0], atol=1e-6)
    assert not np.array_equal(found[0][1], before[0])


@pytest.fixture
def task(toy, settings):
    """Features and references of the toy pictures, for training and as dev."""
    settings = replace(
        settings, dropout=0.0, reward_epochs=15, reward_patience=15, reward_batch_size=8,
        reward_learning_rate=1e-2, max_length=6,
    )  # fmt: skip
    data = toy["features"], [[caption] for caption in toy["captions"]]
    return build_model(6, len(toy["vocabulary"]), settings), data, toy["vocabulary"], settings


def reward(task, folder, **changes):
    """Train the task for its score."""
    model, data, vocabulary, settings = task
    return train_for_score(model, data, data, vocabulary, replace(settings, **changes), folder)


def test_the_reward_rises_and_the_best_epoch_is_kept(task, tmp_path):
    _, data, vocabulary, settings = task
    best_model, history, finished = reward(task, tmp_path / "reward")
    assert finished and history["epoch"].tolist() == list(range(len(history)))
    assert history["reward"].iloc[-1] > history["reward"].iloc[1] + 50
    best = history["dev_cider_d"].max()
    assert best > history["dev_cider_d"].iloc[0] + 10
    assert score_of(best_model, data, vocabulary, settings) == pytest.approx(best)


def score_of(model, data, vocabulary, settings):
    said, _ = make_decoder(model, vocabulary)(
        data[0], settings.beam_size, settings.alpha, settings.max_length
    )
    return score_captions(said, data[1])["cider_d"]


def assert_same_weights(one, other):
    for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_model_given_stays_what_it_is_and_the_same_run_repeats(task, tmp_path):
    model = task[0]
    before = model.get_weights()
    one = reward(task, tmp_path / "one", reward_epochs=1)[0]
    np.random.seed(3)  # noqa: NPY002  (other people's random numbers must not matter)
    assert_same_weights(one, reward(task, tmp_path / "two", reward_epochs=1)[0])
    for first, second in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_training_stops_when_dev_does_not_improve(task, tmp_path):
    changes = {"reward_learning_rate": 1e-9, "reward_patience": 2}
    assert len(reward(task, tmp_path / "reward", **changes)[1]) == 3


def stop_at(call, monkeypatch):
    """Press the stop button when dev is scored for that time; call 1 is the scoring of epoch 0."""
    scored = []

    def stopping(said, references):
        scored.append(1)
        if len(scored) == call:
            raise KeyboardInterrupt
        return score_captions(said, references)

    monkeypatch.setattr(self_critical, "score_captions", stopping)


@pytest.mark.parametrize("call", [1, 2, 4])
def test_stopping_at_any_time_keeps_the_best_so_far(task, monkeypatch, call, capsys, tmp_path):
    """Before epoch 0 is scored nothing is known yet, and the model stays as it came."""
    model, data, vocabulary, settings = task
    stop_at(call, monkeypatch)
    best_model, history, finished = reward(task, tmp_path / "reward")
    assert len(history) == call - 1 and list(history.columns) == self_critical.HISTORY
    said = capsys.readouterr().out
    assert not finished and f"was stopped in epoch {call - 1}; " in said
    assert said.endswith("is kept. Run the cell again to go on.\n")
    best = history["dev_cider_d"].max() if call > 1 else score_of(model, data, vocabulary, settings)
    assert score_of(best_model, data, vocabulary, settings) == pytest.approx(best)


def test_what_was_stopped_goes_on_to_the_same_end(task, monkeypatch, tmp_path, capsys):
    straight, expected, _ = reward(task, tmp_path / "straight", reward_epochs=4)
    for call in (2, 2, 3):  # in epochs 1, 2 and 4: what was scored before is not scored again
        with monkeypatch.context() as patch:
            stop_at(call, patch)
            assert not reward(task, tmp_path / "reward", reward_epochs=4)[2]
    assert "Going on after epoch 1." in capsys.readouterr().out
    model, history, finished = reward(task, tmp_path / "reward", reward_epochs=4)
    assert finished
    assert_same_weights(straight, model)
    pd.testing.assert_frame_equal(
        history.drop(columns="seconds"), expected.drop(columns="seconds"), check_exact=True
    )


@pytest.mark.parametrize("changed", ["settings", "model", "references", "vocabulary"])
def test_a_checkpoint_of_another_training_is_not_used(task, tmp_path, changed, capsys):
    model, (features, references), vocabulary, settings = task
    reward(task, tmp_path / "reward", reward_epochs=1)
    epochs = {"reward_epochs": 1}
    if changed == "settings":
        epochs = {"reward_epochs": 2}
    elif changed == "model":
        model.set_weights([weights + 0.1 for weights in model.get_weights()])
    elif changed == "references":
        references = [["birds"], *references[1:]]
    else:
        vocabulary = Vocabulary((*vocabulary.words[:-1], "other"))
    reward((model, (features, references), vocabulary, settings), tmp_path / "reward", **epochs)
    assert "Going on" not in capsys.readouterr().out


def test_a_loss_that_is_no_number_keeps_the_epoch_before(task, monkeypatch, capsys, tmp_path):
    rewards = self_critical.rewards_of
    calls = []

    def poisoned(*arguments):
        calls.append(1)
        return rewards(*arguments) * (np.nan if len(calls) > 8 else 1)  # 6 batches an epoch

    monkeypatch.setattr(self_critical, "rewards_of", poisoned)
    best_model, history, finished = reward(task, tmp_path / "reward")
    assert finished and history["epoch"].tolist() == [0, 1]
    assert "the loss was no longer a number in epoch 2; epoch" in capsys.readouterr().out
    assert all(np.isfinite(array).all() for array in best_model.get_weights())
