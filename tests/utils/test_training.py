import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from utils import tensorflow_setup
from utils.batches import Batches
from utils.checkpoint import remove_progress
from utils.errors import CourseError
from utils.model import build_model
from utils.tensorflow_setup import keras, tf
from utils.training import (
    CLIP_NORM,
    dev_crossentropy,
    masked_crossentropy,
    train,
    untrained_model,
)
from utils.vocabulary import PADDING


@pytest.fixture(autouse=True)
def float32(monkeypatch):
    """Exact comparisons need products in float32, whatever this CPU can do."""
    monkeypatch.setattr(tensorflow_setup, "cpu_has_bfloat16", lambda: False)


@pytest.fixture
def quick(settings):
    return replace(settings, learning_rate=0.02)


def data_of(toy):
    return toy["features"], toy["rows"], toy["tokens"]


def start(toy, settings):
    batches = Batches(*data_of(toy), settings.batch_size, seed=settings.seed)
    return untrained_model(batches, len(toy["vocabulary"]), settings), batches


def run(toy, settings, folder, describe=None, **options):
    model, batches = start(toy, settings)
    return train(model, batches, data_of(toy), settings, folder, describe, **options)


def assert_same_weights(one, other, atol=0.0):
    for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, rtol=0, atol=atol)


class StopAt:
    """Called after every epoch; raises at the epochs given."""

    def __init__(self, *epochs, error=KeyboardInterrupt):
        self.epochs, self.error, self.calls = epochs, error, 0

    def __call__(self, model):
        self.calls += 1
        if self.calls in self.epochs:
            raise self.error
        return [{"image": "a", "caption": f"call {self.calls}"}]


# Loss and batches -------------------------------------------------------------------------------


def test_padding_does_not_count():
    targets = np.array([[3, 1], [2, PADDING]])
    logits = np.random.default_rng(0).normal(size=(2, 2, 5)).astype(np.float32)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -(log_p[0, 0, 3] + log_p[0, 1, 1] + log_p[1, 0, 2]) / 3
    assert float(masked_crossentropy(targets, logits)) == pytest.approx(expected, abs=1e-6)
    uniform = -log_p.mean(-1)[[0, 0, 1], [0, 1, 0]].mean()
    smoothed = float(masked_crossentropy(targets, logits, 0.1))
    assert smoothed == pytest.approx(0.9 * expected + 0.1 * uniform, abs=1e-6)


def test_an_epoch_holds_every_caption_once_with_its_picture(toy):
    seen = []
    for features, inputs, targets in Batches(*data_of(toy), 8, seed=3).epoch():
        np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
        assert (targets != PADDING).any(0).all()  # no column of padding only
        for feature, row in zip(features, targets, strict=True):
            picture = np.abs(toy["features"] - feature).sum(1).argmin()
            seen.append(picture)
            assert toy["vocabulary"].decode(row) == toy["captions"][picture]
    assert sorted(seen) == list(range(48))


def test_epochs_differ_but_repeat_with_the_seed(toy):
    def features_of(epoch):
        batches = Batches(*data_of(toy), 8, seed=3).epoch(epoch)
        return np.concatenate([features.ravel() for features, _, _ in batches])

    np.testing.assert_array_equal(features_of(0), features_of(0))
    assert (features_of(0) != features_of(1)).any()


def test_every_caption_gets_one_of_the_views_of_its_picture(toy, tmp_path):
    np.save(tmp_path / "views.npy", np.stack([toy["features"], toy["features"] + 100], axis=1))
    views = np.load(tmp_path / "views.npy", mmap_mode="r")  # as a run gives them
    batches = Batches(views, toy["rows"], toy["tokens"], 8, seed=3)
    seen = np.concatenate([features for features, _, _ in batches.epoch()])
    mirrored = seen.mean(axis=1) > 50
    assert 0 < mirrored.sum() < 48
    seen[mirrored] -= 100
    np.testing.assert_allclose(np.sort(seen, axis=0), np.sort(toy["features"], axis=0), atol=1e-4)


def test_without_a_seed_batches_come_by_length(toy):
    batches = Batches(*data_of(toy), 8)
    lengths = [inputs.shape[1] for _, inputs, _ in batches.epoch()]
    assert lengths == sorted(lengths) and len(lengths) == batches.steps == 6


# Training ---------------------------------------------------------------------------------------


def test_the_loop_is_what_fit_does(toy, quick, tmp_path):
    """The three lines of `fit` that the loop stands for: the same optimizer, the same weights."""
    quick = replace(quick, dropout=0.0, weight_decay=0.1, epochs=4)
    trained = run(toy, quick, tmp_path)
    model, batches = start(toy, quick)
    schedule = keras.optimizers.schedules.CosineDecay(0.02, 4 * batches.steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.1, clipnorm=CLIP_NORM)
    epochs = [batch for epoch in range(4) for batch in batches.epoch(epoch)]
    words = tf.TensorSpec((None, None), tf.int32)
    data = tf.data.Dataset.from_generator(
        lambda: (((features, inputs), targets) for features, inputs, targets in epochs),
        output_signature=((tf.TensorSpec((None, 6)), words), words),
    )
    model.compile(optimizer, masked_crossentropy, jit_compile=False)
    model.fit(data, steps_per_epoch=batches.steps, epochs=4, shuffle=False, verbose=0)
    assert trained.history["dev_loss"].idxmin() == 3  # so both are the weights of the last epoch
    assert_same_weights(trained.model, model, atol=1e-5)


def test_training_learns_and_is_reproducible(toy, quick, tmp_path):
    quick = replace(quick, epochs=30, patience=30)
    one = run(toy, quick, tmp_path / "one")
    np.random.seed(1)  # noqa: NPY002  (other people's random numbers must not matter)
    keras.utils.set_random_seed(5)
    two = run(toy, quick, tmp_path / "two")
    assert one.samples is None and one.finished
    assert one.history["dev_loss"].iloc[-1] < 0.3 * one.history["dev_loss"].iloc[0]
    assert_same_weights(one.model, two.model)


def test_building_a_model_leaves_global_random_numbers_alone(settings):
    np.random.seed(3)  # noqa: NPY002
    keras.utils.set_random_seed(3)
    expected = np.random.random(3), keras.random.normal((3,)).numpy()  # noqa: NPY002
    keras.utils.set_random_seed(3)
    build_model(6, 11, settings)
    found = np.random.random(3), keras.random.normal((3,)).numpy()  # noqa: NPY002
    np.testing.assert_array_equal(expected, found)


@pytest.mark.parametrize(
    ("epoch", "error"), [(2, KeyboardInterrupt), (3, KeyError), (4, KeyboardInterrupt)]
)
def test_training_that_was_cut_off_ends_as_if_it_had_not_been(
    toy, quick, tmp_path, epoch, error, capsys
):
    straight = run(toy, quick, tmp_path / "straight", StopAt())
    if error is KeyboardInterrupt:
        stopped = run(toy, quick, tmp_path / "cut", StopAt(epoch))
        assert not stopped.finished and len(stopped.history) == epoch - 1
        assert f"was stopped in epoch {epoch}; epoch {epoch - 1} is kept" in capsys.readouterr().out
        loss = dev_crossentropy(stopped.model, *data_of(toy))
        assert loss == pytest.approx(stopped.history["dev_loss"].min(), abs=1e-6)
    else:
        with pytest.raises(KeyError):
            run(toy, quick, tmp_path / "cut", StopAt(epoch, error=error))
    again = StopAt()
    resumed = run(toy, quick, tmp_path / "cut", again)
    assert f"Going on after epoch {epoch - 1}." in capsys.readouterr().out
    assert resumed.finished and again.calls == 4 - (epoch - 1)
    columns = ["epoch", "loss", "dev_loss", "learning_rate"]
    np.testing.assert_allclose(resumed.history[columns], straight.history[columns], rtol=1e-6)
    assert resumed.samples["epoch"].tolist() == straight.samples["epoch"].tolist()
    assert_same_weights(straight.model, resumed.model, atol=1e-6)


def test_two_cannot_train_in_one_folder(toy, quick, tmp_path):
    """The second is refused while the first trains, and told what to do."""
    code = f"""
from pathlib import Path
from utils.checkpoint import alone_in
with alone_in(Path({str(tmp_path / "training")!r})):
    print("ready", flush=True)
    input()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as other:
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(CourseError, match="Another process is training in .*: wait until"):
            run(toy, quick, tmp_path / "training")
        other.kill()
    assert run(toy, quick, tmp_path / "training").finished


def test_stopping_before_the_first_epoch_keeps_nothing(toy, quick, tmp_path):
    with pytest.raises(CourseError, match="was stopped before its first epoch was over"):
        run(toy, quick, tmp_path, StopAt(1))
    assert run(toy, quick, tmp_path).finished


def changed_dev(toy, settings):
    return {"dev": (toy["features"][::-1].copy(), toy["rows"], toy["tokens"])}


def changed_train(toy, settings):
    return {"train": (toy["features"] + 1, toy["rows"], toy["tokens"])}


def changed_model(toy, settings):
    return {"settings": settings, "model": replace(settings, units=30)}


def changed_weights(toy, settings):
    return {"settings": settings, "model": replace(settings, seed=99)}


def changed_settings(toy, settings):
    return {"settings": replace(settings, weight_decay=0.5)}


@pytest.mark.parametrize(
    "change", [changed_dev, changed_train, changed_model, changed_weights, changed_settings]
)
def test_a_checkpoint_of_another_training_is_not_used(toy, quick, tmp_path, change, capsys):
    run(toy, quick, tmp_path, StopAt(3))
    parts = {"train": data_of(toy), "dev": data_of(toy), "settings": quick}
    parts |= change(toy, quick)
    batches = Batches(*parts["train"], quick.batch_size, seed=quick.seed)
    settings = parts["settings"]
    model = untrained_model(batches, len(toy["vocabulary"]), parts.get("model", settings))
    count = model.count_params()
    trained = train(model, batches, parts["dev"], settings, tmp_path)
    assert trained.history["epoch"].tolist() == [1, 2, 3, 4]
    assert trained.model.count_params() == count
    assert "Going on" not in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["half", "empty"])
def test_a_damaged_checkpoint_only_costs_time(toy, quick, tmp_path, damage):
    run(toy, quick, tmp_path, StopAt(3))
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if damage == "half" else b"")
    assert_same_weights(run(toy, quick, tmp_path).model, run(toy, quick, tmp_path / "new").model)


def test_what_else_lies_in_the_folder_stays(toy, quick, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    run(toy, quick, tmp_path)
    run(toy, replace(quick, seed=8), tmp_path)
    remove_progress(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_early_stopping_keeps_the_best_epoch(toy, quick, tmp_path):
    # Training on wrong captions makes dev worse from some epoch on.
    wrong = (toy["features"][::-1].copy(), toy["rows"], toy["tokens"])
    quick = replace(quick, epochs=30, patience=2, dropout=0.0)
    model, batches = start(toy, quick)
    best, history, _, finished = train(
        model, Batches(*wrong, 8, seed=1), data_of(toy), quick, tmp_path
    )
    assert len(history) < 30 and finished
    assert history["dev_loss"].idxmin() == len(history) - 1 - quick.patience
    loss = dev_crossentropy(best, *data_of(toy), batch_size=7)
    assert loss == pytest.approx(history["dev_loss"].min(), abs=1e-5)


def test_a_model_that_is_gone_on_from_stays_where_nothing_is_better(toy, quick, tmp_path):
    known = run(toy, quick, tmp_path / "first").model
    before = known.get_weights()
    worse = replace(quick, start="pretrained", learning_rate=5.0, epochs=20, patience=2)
    batches = Batches(*data_of(toy), 8, seed=1)
    trained = train(known, batches, data_of(toy), worse, tmp_path / "more")
    assert trained.history["epoch"].tolist() == [0, 1, 2] and trained.finished
    for one, other in zip(before, trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class PoisonedBatches(Batches):
    """From the epoch given on, features that are no numbers."""

    poisoned = 3

    def epoch(self, number=0):
        for features, inputs, targets in super().epoch(number):
            yield features * (np.nan if number + 1 == self.poisoned else 1), inputs, targets


@pytest.mark.parametrize("poisoned", [2, 3])
def test_a_loss_that_is_no_number_keeps_the_epoch_before(toy, quick, tmp_path, poisoned, capsys):
    model, batches = start(toy, quick)
    broken = PoisonedBatches(*data_of(toy), quick.batch_size, seed=quick.seed)
    object.__setattr__(broken, "poisoned", poisoned)
    trained = train(model, broken, data_of(toy), quick, tmp_path)
    assert trained.finished and len(trained.history) == poisoned - 1
    assert f"in epoch {poisoned}; epoch {poisoned - 1} is kept" in capsys.readouterr().out
    assert all(np.isfinite(array).all() for array in trained.model.get_weights())
    loss = dev_crossentropy(trained.model, *data_of(toy))
    assert loss == pytest.approx(trained.history["dev_loss"].min(), abs=1e-5)


def test_a_loss_that_is_no_number_from_the_start_is_refused(toy, quick, tmp_path):
    features = np.full_like(toy["features"], np.nan)
    model, _ = start(toy, quick)
    batches = Batches(features, toy["rows"], toy["tokens"], 8, seed=1)
    with pytest.raises(CourseError, match="no longer a number .* before its first epoch was over"):
        train(model, batches, data_of(toy), quick, tmp_path)


def test_schedule_and_initial_weights_come_from_outside(toy, quick, tmp_path):
    first = run(toy, quick, tmp_path / "first")
    _, batches = start(toy, quick)
    more = train(first.model, batches, data_of(toy), quick, tmp_path / "more", schedule=1e-3)
    assert more.history["loss"].iloc[0] < first.history["loss"].iloc[0]
    np.testing.assert_allclose(more.history["learning_rate"], 1e-3, rtol=1e-5)


TWO_DEVICES = """
import sys, pickle, pathlib
import utils.tensorflow_setup as setup
setup.cpu_has_bfloat16 = lambda: False
from utils.tensorflow_setup import tf
from utils.batches import Batches
from utils.training import train, untrained_model
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
data, words, settings = pickle.load(open(sys.argv[1], "rb"))
batches = Batches(*data, settings.batch_size, seed=settings.seed)
with strategy.scope():
    model = untrained_model(batches, words, settings)
trained = train(model, batches, data, settings, pathlib.Path(sys.argv[2]), strategy=strategy)
print(*trained.history["dev_loss"])
"""


def test_two_devices_give_the_curve_of_one(toy, quick, tmp_path):
    import pickle

    quick = replace(quick, dropout=0.0)
    one = run(toy, quick, tmp_path / "one").history["dev_loss"]
    (tmp_path / "data").write_bytes(pickle.dumps((data_of(toy), len(toy["vocabulary"]), quick)))
    command = [sys.executable, "-c", TWO_DEVICES, tmp_path / "data", tmp_path / "two"]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr[-2000:]
    two = [float(loss) for loss in shown.stdout.split("\n")[-2].split()]
    np.testing.assert_allclose(two, one, rtol=1e-5)


def test_perplexity_of_a_model_without_preference_is_the_vocabulary_size(toy, settings):
    model = build_model(6, len(toy["vocabulary"]), settings)
    model.get_layer("logits").set_weights(
        [np.zeros_like(w) for w in model.get_layer("logits").get_weights()]
    )
    perplexity = np.exp(dev_crossentropy(model, *data_of(toy)))
    assert perplexity == pytest.approx(len(toy["vocabulary"]), rel=1e-4)
