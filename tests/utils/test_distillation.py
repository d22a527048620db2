from dataclasses import replace

import numpy as np
import pytest

from utils import distillation, tensorflow_setup
from utils.batches import Batches
from utils.decoding import make_decoder
from utils.distillation import KEPT, add_captions_of_teachers, word_distributions
from utils.tensorflow_setup import keras, tf
from utils.training import make_step, train, untrained_model
from utils.vocabulary import PADDING


@pytest.fixture(autouse=True)
def float32(monkeypatch):
    """Exact comparisons need products in float32, whatever this CPU can do."""
    monkeypatch.setattr(tensorflow_setup, "cpu_has_bfloat16", lambda: False)


def model_of(toy, settings):
    batches = Batches(toy["features"], toy["rows"], toy["tokens"], 8, seed=1)
    return untrained_model(batches, len(toy["vocabulary"]), settings)


@pytest.fixture
def teachers(toy, settings):
    return [model_of(toy, replace(settings, seed=seed)) for seed in (1, 2)]


def said_by(teachers, toy, weight=1.0):
    return word_distributions(teachers, toy["features"], toy["rows"], toy["tokens"], weight)


def test_teachers_say_their_mean_probabilities(teachers, toy, monkeypatch):
    monkeypatch.setattr(distillation, "KEPT", 10_000)  # more than there are
    monkeypatch.setattr(distillation, "CAPTIONS_AT_ONCE", 3)
    words, probabilities = said_by(teachers, toy)
    inputs = [toy["features"][toy["rows"]], toy["tokens"][:, :-1]]
    expected = np.mean([tf.nn.softmax(teacher(inputs)) for teacher in teachers], axis=0)
    there = toy["tokens"][:, 1:] != PADDING
    found = np.zeros_like(expected)
    np.put_along_axis(found, words[..., 1:].astype(int), probabilities[..., 1:], axis=2)
    np.testing.assert_allclose(found[there], expected[there], atol=1e-3)
    assert not probabilities[..., 0].any()  # the word that does come next counts like any other


def test_the_rest_is_that_of_the_caption_itself(teachers, toy):
    words, probabilities = said_by(teachers, toy, weight=0.25)
    targets = toy["tokens"][:, 1:]
    there = targets != PADDING
    assert words.shape == (*targets.shape, KEPT + 1)
    np.testing.assert_array_equal(words[..., 0][there], targets[there])
    np.testing.assert_allclose(probabilities[..., 0][there], 0.75)
    np.testing.assert_allclose(probabilities.sum(-1)[there], 1, atol=0.01)
    assert not probabilities[~there].any()


def test_without_weight_the_step_is_the_usual_one(teachers, toy, settings):
    steps = []
    for distributions in (None, said_by(teachers, toy, weight=0.0)):
        keras.utils.set_random_seed(1)
        model = model_of(toy, replace(settings, dropout=0.0))
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        learn = make_step(model, optimizer)
        data = toy["features"], toy["rows"], toy["tokens"], 8, 1, distributions
        losses = [float(learn(*batch)) for batch in Batches(*data).epoch()]
        steps.append((losses, model.get_weights()))
    (losses, weights), (others, other_weights) = steps
    np.testing.assert_allclose(losses, others, rtol=1e-5)
    for one, other in zip(weights, other_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_of_what_teachers_say_that_most_like_the_captions_is_added(
    teachers, toy, settings, tmp_path
):
    data = toy["features"], toy["rows"], toy["tokens"]
    quick = replace(settings, learning_rate=0.02)
    for teacher in teachers:
        train(teacher, Batches(*data, 8, seed=3), data, quick, tmp_path / "teacher")
    some = slice(12, 18)  # pictures of each kind, not the first ones
    references = [[text] for text in toy["captions"][some]]
    rows, tokens = add_captions_of_teachers(
        teachers,
        toy["vocabulary"],
        (toy["features"][some], references),
        (toy["rows"][some], toy["tokens"][some, :12]),
        found=3,
        kept=1,
    )
    np.testing.assert_array_equal(rows, np.tile(toy["rows"][some], 2))
    said = [toy["vocabulary"].decode(row) for row in tokens]
    assert said[:6] == toy["captions"][some]
    decode = make_decoder(teachers, toy["vocabulary"])
    found, _ = decode(toy["features"][some], several=3)
    assert all(text in texts for text, texts in zip(said[6:], found, strict=True))
    right = [text in texts for (text,), texts in zip(references, found, strict=True)]
    assert any(right)
    assert all(new == old for new, old, there in zip(said[6:], said, right, strict=False) if there)


def test_a_student_becomes_like_its_teachers(teachers, toy, settings, tmp_path):
    quick = replace(settings, learning_rate=0.02, dropout=0.0, epochs=8)
    data = toy["features"], toy["rows"], toy["tokens"]
    for teacher in teachers:
        train(teacher, Batches(*data, 8, seed=3), data, quick, tmp_path / "teacher")
    taught = said_by(teachers, toy)
    inputs = [toy["features"][toy["rows"]], toy["tokens"][:, :-1]]
    expected = np.mean([tf.nn.softmax(teacher(inputs)) for teacher in teachers], axis=0)
    there = (toy["tokens"][:, 1:] != PADDING)[..., None]
    distances = []
    for distributions in (None, taught):
        student = model_of(toy, replace(settings, seed=5, dropout=0.0))
        batches = Batches(*data, 8, 3, distributions)
        result = train(student, batches, data, quick, tmp_path / f"{len(distances)}")
        distances.append(np.abs((tf.nn.softmax(result.model(inputs)) - expected) * there).mean())
    assert distances[1] < distances[0]
