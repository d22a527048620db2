from dataclasses import replace

import numpy as np
import pytest

from utils.model import build_model
from utils.training import MaskedCrossentropy, dev_crossentropy, make_batches, train
from utils.vocabulary import PADDING


def test_padding_does_not_count():
    targets = np.array([[3, 1], [2, PADDING]])
    logits = np.random.default_rng(0).normal(size=(2, 2, 5)).astype(np.float32)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -(log_p[0, 0, 3] + log_p[0, 1, 1] + log_p[1, 0, 2]) / 3
    assert float(MaskedCrossentropy()(targets, logits)) == pytest.approx(expected, abs=1e-6)
    uniform = -log_p.mean(-1)[[0, 0, 1], [0, 1, 0]].mean()
    smoothed = float(MaskedCrossentropy(0.1)(targets, logits))
    assert smoothed == pytest.approx(0.9 * expected + 0.1 * uniform, abs=1e-6)


def data_of(toy):
    return toy["features"], toy["rows"], toy["tokens"]


def test_an_epoch_holds_every_caption_once_with_its_picture(toy):
    batches, steps = make_batches(*data_of(toy), 8, seed=3)
    seen = []
    for (features, inputs), targets in batches.take(steps):
        np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
        assert (targets.numpy() != PADDING).any(0).all()  # no column of padding only
        for feature, row in zip(features.numpy(), targets.numpy(), strict=True):
            picture = np.abs(toy["features"] - feature).sum(1).argmin()
            seen.append(picture)
            assert toy["vocabulary"].decode(row) == toy["captions"][picture]
    assert sorted(seen) == list(range(48))


def test_epochs_differ_but_repeat_with_the_seed(toy):
    def inputs_of_epoch(epoch):
        batches, steps = make_batches(*data_of(toy), 8, seed=3, first_epoch=epoch)
        return np.concatenate([f.numpy().ravel() for (f, _), _ in batches.take(steps)])

    np.testing.assert_array_equal(inputs_of_epoch(0), inputs_of_epoch(0))
    assert (inputs_of_epoch(0) != inputs_of_epoch(1)).any()


def test_every_caption_gets_one_of_the_views_of_its_picture(toy):
    views = np.stack([toy["features"], toy["features"] + 100], axis=1)
    batches, steps = make_batches(views, toy["rows"], toy["tokens"], 8, seed=3)
    seen = np.concatenate([features.numpy() for (features, _), _ in batches.take(steps)])
    mirrored = seen.mean(axis=1) > 50
    assert 0 < mirrored.sum() < 48
    seen[mirrored] -= 100
    np.testing.assert_allclose(np.sort(seen, axis=0), np.sort(toy["features"], axis=0), atol=1e-4)


def test_without_a_seed_the_data_ends(toy):
    batches, steps = make_batches(*data_of(toy), 8)
    assert len(list(batches)) == steps == 6


def run(toy, settings, folder, **changes):
    settings = replace(settings, learning_rate=0.02, **changes)
    model = build_model(6, len(toy["vocabulary"]), settings)
    return train(model, data_of(toy), data_of(toy), settings, folder)


def test_training_learns_and_is_reproducible(toy, settings, tmp_path):
    model, history, samples = run(toy, settings, tmp_path / "one", epochs=30)
    again, _, _ = run(toy, settings, tmp_path / "two", epochs=30)
    assert samples is None
    assert history["dev_loss"].iloc[-1] < 0.3 * history["dev_loss"].iloc[0]
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_that_was_cut_off_ends_as_if_it_had_not_been(toy, settings, tmp_path, monkeypatch):
    straight, history, _ = run(toy, settings, tmp_path / "straight")

    class CutOff(Exception):
        pass

    def describe(model):
        describe.calls += 1
        if describe.calls == 3:
            raise CutOff
        return [{"image": "a", "caption": "b"}]

    describe.calls = 0
    quick = replace(settings, learning_rate=0.02)
    arguments = (data_of(toy), data_of(toy), quick, tmp_path / "cut")
    with pytest.raises(CutOff):
        train(build_model(6, len(toy["vocabulary"]), quick), *arguments, describe)
    resumed, resumed_history, _ = train(build_model(6, len(toy["vocabulary"]), quick), *arguments)
    np.testing.assert_allclose(resumed_history["loss"], history["loss"], rtol=1e-4)
    for one, other in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_early_stopping_keeps_the_best_epoch(toy, settings, tmp_path):
    # Training on wrong captions makes dev worse from some epoch on.
    wrong = (toy["features"][::-1].copy(), toy["rows"], toy["tokens"])
    settings = replace(settings, epochs=30, patience=2, learning_rate=0.02, dropout=0.0)
    model = build_model(6, len(toy["vocabulary"]), settings)
    best, history, _ = train(model, wrong, data_of(toy), settings, tmp_path)
    assert len(history) < 30
    assert history["dev_loss"].idxmin() == len(history) - 1 - settings.patience
    loss = dev_crossentropy(best, *data_of(toy), batch_size=7)
    # In training, matrix products may be in bfloat16.
    assert loss == pytest.approx(history["dev_loss"].min(), abs=1e-3)


def test_perplexity_of_a_model_without_preference_is_the_vocabulary_size(toy, settings):
    model = build_model(6, len(toy["vocabulary"]), settings)
    model.get_layer("logits").set_weights(
        [np.zeros_like(w) for w in model.get_layer("logits").get_weights()]
    )
    perplexity = np.exp(dev_crossentropy(model, *data_of(toy)))
    assert perplexity == pytest.approx(len(toy["vocabulary"]), rel=1e-4)
