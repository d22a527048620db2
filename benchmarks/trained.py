"""Which models the results table shows, how they are trained, and where they are kept."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.runs import mark, prepared, values
from utils.artifacts import atomic_path, save_table, write_content
from utils.batches import Batches
from utils.checkpoint import remove_progress
from utils.distillation import KEPT, add_captions_of_teachers, word_distributions
from utils.files import runs_root
from utils.run import Run
from utils.self_critical import train_for_score
from utils.settings import MODEL_SETTINGS, REWARD_SETTINGS, Settings, default_settings
from utils.tensorflow_setup import keras
from utils.training import train, untrained_model


@dataclass(frozen=True)
class Row:
    """A row of the table: which models, trained how, alone or together."""

    label: str
    encoder: str
    distilled: bool = False  # learned what `TEACHERS` say, not the captions alone
    reward: bool = False  # trained for CIDEr-D after that
    together: bool = False  # all seeds, before and after the reward, as one ensemble
    seeds: tuple[int, ...] = (1, 2, 3)
    short: bool = True  # whether it is in the short table, too


LITES = "efficientnet_lite0+efficientnet_lite1+efficientnet_lite2"  # they install by themselves
FOUR = f"{LITES}+xception"  # the weights of this one are fetched
ALL_EYES = Row("three EfficientNets and Xception, three models together", FOUR, together=True)
# From whom distilled models learn: what they say of the next word, and captions of theirs.
TEACHERS = Row("three EfficientNets, three models together", LITES, together=True)
WEIGHT = 0.5  # of what the teachers say; the rest is that of the caption itself
FOUND, SAID = 10, 3  # of so many captions that the teachers find for a picture, so many are learned
# A distilled model has more to learn from in an epoch, and needs fewer of them.
DISTILLED = {"epochs": 7}
# One small model that knows what several do; the best of its seeds on dev is what ships.
SMALL = Row("distilled, then trained for CIDEr-D", LITES, distilled=True, reward=True)
ROWS = (
    Row("VGG16", "vgg16"),
    Row("VGG16, then trained for CIDEr-D", "vgg16", reward=True),
    Row("EfficientNet-Lite0", "efficientnet_lite0"),
    Row("three EfficientNets", LITES),
    TEACHERS,
    Row("three EfficientNets and Xception", FOUR),
    ALL_EYES,
    Row("three EfficientNets, distilled", LITES, distilled=True),
    SMALL,
    Row("all six distilled together", LITES, distilled=True, reward=True, together=True),
)


def settings_of(encoder: str) -> Settings:
    """Return the default settings; a run made with other views or another vocabulary is refused."""
    named = frozenset({"mirrored", "min_count"})
    return replace(default_settings("flickr8k", encoder, "full"), named=named)


def path_of(settings: Settings, reward: bool, distilled: bool = False) -> Path:
    """Return where a trained model is kept: the name hashes what determines it, no more."""
    settings = _own(settings, distilled)
    names = ("encoder", "mirrored", "min_count", *MODEL_SETTINGS)
    determined_by: list[Any] = [
        values(settings, names),
        values(settings, REWARD_SETTINGS) if reward else {},
    ]
    if distilled:
        determined_by += what_teaches()
    ending = f"{'-distilled' if distilled else ''}{'-reward' if reward else ''}"
    name = f"{settings.encoder}-{settings.seed}-{mark(*determined_by)}{ending}"
    return runs_root() / "results" / f"{name}.keras"


def _own(settings, distilled):
    return replace(settings, **DISTILLED) if distilled else settings


def what_teaches() -> list[Any]:
    """Return what determines the lessons of distilled models."""
    (teachers,) = paths_of(TEACHERS, settings_of(TEACHERS.encoder)).values()
    return [[path.name for path in teachers], KEPT, WEIGHT, FOUND, SAID]


def trained(
    settings: Settings, run: Run, reward: bool, distilled: bool = False
) -> tuple[Any, float]:
    """Return the model of one seed and how long its training took; trained now if it never was."""
    path = path_of(settings, reward, distilled)
    if not path.exists():
        learn = learn_by_reward if reward else learn_by_likelihood
        model, history = learn(settings, run, distilled)
        save_table(path.with_suffix(".csv"), history)
        write_content(path, model)
        remove_progress(path.with_suffix(""))
    seconds = pd.read_csv(path.with_suffix(".csv"))["seconds"].sum()
    return keras.models.load_model(path, compile=False), float(seconds)


def learn_by_likelihood(
    settings: Settings, run: Run, distilled: bool = False
) -> tuple[Any, pd.DataFrame]:
    """Train the merge model as notebook 05 does; what was stopped goes on another time."""
    settings = _own(settings, distilled)
    features, rows, tokens = run.captions_of("train")
    taught = None
    if distilled:
        rows, tokens, *taught = lessons(rows, tokens)
    batches = Batches(features, rows, tokens, settings.batch_size, settings.seed, taught)
    model = untrained_model(batches, len(run.vocabulary()), settings)
    folder = path_of(settings, False, distilled).with_suffix("")
    result = train(model, batches, run.captions_of("dev"), settings, folder)
    if not result.finished:
        raise KeyboardInterrupt
    return result.model, result.history


def lessons(rows: np.ndarray, tokens: np.ndarray) -> list[np.ndarray]:
    """Return what `what_teachers_say` does; asked once, it is kept beside the trained models."""
    path = runs_root() / "results" / f"taught-{mark(*what_teaches())}.npz"
    if not path.exists():
        said = what_teachers_say(rows, tokens)
        with atomic_path(path) as temporary:
            np.savez(temporary, *said)
    with np.load(path) as kept:
        return list(kept.values())


def what_teachers_say(rows: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return captions with some of `TEACHERS` behind them, and what these say of every next word.

    Args:
        rows, tokens: As `Run.captions_of` returns them for any encoder; the teachers look through
            their own.

    Returns:
        Rows int [M], tokens int32 [M, T], and the two arrays of distributions that `Batches` takes.
    """
    settings = settings_of(TEACHERS.encoder)
    run = prepared(settings)
    ((_, models, _),) = captioners_of(TEACHERS, settings, run)
    _, *pictures = run.pictures_of("train")
    rows, tokens = add_captions_of_teachers(
        models, run.vocabulary(), pictures, (rows, tokens), FOUND, SAID
    )
    return rows, tokens, *word_distributions(models, run.features(), rows, tokens, WEIGHT)


def learn_by_reward(
    settings: Settings, run: Run, distilled: bool = False
) -> tuple[Any, pd.DataFrame]:
    """Train the model further as notebook 07 does."""
    model, _ = trained(settings, run, False, distilled)
    train_data, dev_data = (run.pictures_of(split)[1:] for split in ("train", "dev"))
    folder = path_of(settings, True, distilled).with_suffix("")
    model, history, finished = train_for_score(
        model, train_data, dev_data, run.vocabulary(), settings, folder
    )
    if not finished:
        raise KeyboardInterrupt
    return model, history


def captioners_of(row: Row, settings: Settings, run: Run) -> list[tuple[Any, list, float]]:
    """Return what a row scores: seed, models and seconds of training of each captioner."""
    captioners = []
    for seed in row.seeds:
        own = replace(settings, seed=seed)
        stages = [trained(own, run, reward, row.distilled) for reward in stages_of(row)]
        models = [model for model, _ in stages]
        seconds = sum(seconds for _, seconds in stages)
        captioners.append((seed, models if row.together else models[-1:], seconds))
    if row.together:
        _, models, seconds = zip(*captioners, strict=True)
        return [("all", sum(models, []), sum(seconds))]
    return captioners


def stages_of(row: Row) -> tuple[bool, ...]:
    """Return whether each training of a model of the row, one after the other, is by reward."""
    return (False, True)[: 1 + row.reward]


def paths_of(row: Row, settings: Settings) -> dict[int | str, list[Path]]:
    """Return the files of the models of each captioner that `captioners_of` returns, by seed."""
    paths: dict[int | str, list[Path]] = {
        seed: [
            path_of(replace(settings, seed=seed), reward, row.distilled)
            for reward in stages_of(row)
        ]
        for seed in row.seeds
    }
    if row.together:
        return {"all": sum(paths.values(), [])}
    return {seed: own[-1:] for seed, own in paths.items()}
