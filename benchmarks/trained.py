"""Which models the results table shows, how they are trained, and where they are kept."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.runs import mark, values
from utils.artifacts import save_table, write_content
from utils.batches import Batches
from utils.checkpoint import remove_progress
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
    reward: bool = False  # trained for CIDEr-D after likelihood
    together: bool = False  # all seeds, before and after the reward, as one ensemble
    seeds: tuple[int, ...] = (1, 2, 3)
    short: bool = True  # whether it is in the short table, too


BEST = "vgg16+efficientnet_lite2+efficientnet_lite0"
ROWS = (
    Row("VGG16", "vgg16"),
    Row("VGG16, then trained for CIDEr-D", "vgg16", reward=True),
    Row("EfficientNet-Lite0", "efficientnet_lite0"),
    Row("VGG16 + EfficientNet-Lite2 + Lite0", BEST, short=False),
    Row("three encoders, then trained for CIDEr-D", BEST, reward=True),
    Row("ten models together", BEST, reward=True, together=True, seeds=(1, 2, 3, 4, 5)),
)


def settings_of(encoder: str) -> Settings:
    """Return the default settings; a run made with other views or another vocabulary is refused."""
    named = frozenset({"mirrored", "min_count"})
    return replace(default_settings("flickr8k", encoder, "full"), named=named)


def path_of(settings: Settings, reward: bool) -> Path:
    """Return where a trained model is kept: the name hashes what determines it, no more."""
    names = ("encoder", "mirrored", "min_count", *MODEL_SETTINGS)
    number = mark(values(settings, names), values(settings, REWARD_SETTINGS) if reward else {})
    name = f"{settings.encoder}-{settings.seed}-{number}{'-reward' if reward else ''}"
    return runs_root() / "results" / f"{name}.keras"


def trained(settings: Settings, run: Run, reward: bool) -> tuple[Any, float]:
    """Return the model of one seed and how long its training took; trained now if it never was."""
    path = path_of(settings, reward)
    if not path.exists():
        learn = learn_by_reward if reward else learn_by_likelihood
        model, history = learn(settings, run)
        save_table(path.with_suffix(".csv"), history)
        write_content(path, model)
        remove_progress(path.with_suffix(""))
    seconds = pd.read_csv(path.with_suffix(".csv"))["seconds"].sum()
    return keras.models.load_model(path, compile=False), float(seconds)


def learn_by_likelihood(settings: Settings, run: Run) -> tuple[Any, pd.DataFrame]:
    """Train the merge model as notebook 05 does; what was stopped goes on another time."""
    batches = Batches(*run.captions_of("train"), settings.batch_size, settings.seed)
    model = untrained_model(batches, len(run.vocabulary()), settings)
    folder = path_of(settings, reward=False).with_suffix("")
    result = train(model, batches, run.captions_of("dev"), settings, folder)
    if not result.finished:
        raise KeyboardInterrupt
    return result.model, result.history


def learn_by_reward(settings: Settings, run: Run) -> tuple[Any, pd.DataFrame]:
    """Train the model further as notebook 07 does."""
    model, _ = trained(settings, run, reward=False)
    train_data, dev_data = (run.pictures_of(split)[1:] for split in ("train", "dev"))
    folder = path_of(settings, reward=True).with_suffix("")
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
        stages = [trained(own, run, reward) for reward in (False, True)[: 1 + row.reward]]
        models = [model for model, _ in stages]
        seconds = sum(seconds for _, seconds in stages)
        captioners.append((seed, models if row.together else models[-1:], seconds))
    if row.together:
        _, models, seconds = zip(*captioners, strict=True)
        return [("all", sum(models, []), sum(seconds))]
    return captioners


def paths_of(row: Row, settings: Settings) -> dict[int | str, list[Path]]:
    """Return the files of the models of each captioner that `captioners_of` returns, by seed."""
    stages = (False, True)[: 1 + row.reward]
    paths: dict[int | str, list[Path]] = {
        seed: [path_of(replace(settings, seed=seed), reward) for reward in stages]
        for seed in row.seeds
    }
    if row.together:
        return {"all": sum(paths.values(), [])}
    return {seed: own[-1:] for seed, own in paths.items()}
