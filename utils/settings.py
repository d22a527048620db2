"""All settings of a run, in one frozen dataclass (used by every notebook)."""

import math
import os
import re
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from utils.defaults import (
    CONTINUED_BELOW,
    CONTINUED_SIZES,
    DATASET_DEFAULTS,
    ENCODER_DEFAULTS,
    PROFILE_CHANGES,
    RANGES,
    SIZES,
)
from utils.errors import CourseError
from utils.pretrained import SAME_LANGUAGE, like_pretrained, pretrained_settings

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "figures"
PROFILES = ("full", "small", "fast")
STARTS = ("nothing", "pretrained")
ALL_SCENES = 1600  # pictures that `scenes` has unless a setting says otherwise


@dataclass(frozen=True)
class Settings:
    """What a run is made with; `load_settings` fills in the defaults of a data set.

    Raises:
        CourseError: A value has the wrong type or is out of range; the sentence names it.
    """

    dataset: str = "scenes"  # scenes, flickr8k, or a folder of pictures and captions
    encoder: str = "vgg16"  # a name in utils.encoders.registry, or several joined by +
    profile: str = "full"  # small: whole sentences in two minutes; fast: only whether it works
    run: str = ""  # name of a retraining that keeps its own model beside the unnamed run's
    start: str = "nothing"  # pretrained: go on from the captioner that comes with the course
    seed: int = 7
    picture_count: int = ALL_SCENES  # pictures that `scenes` draws
    mirrored: bool = False  # learn from mirror images too, caption with the mean of both

    min_count: int = 1  # a word seen less often in train becomes <unknown>
    embedding_size: int = 256
    units: int = 256  # of the LSTM and of the fully connected layer
    dropout: float = 0.35
    feature_scale: float = 1.0  # standard deviation of the standardized features
    feature_dropout: float = 0.0  # of the features, once they are standardized

    epochs: int = 9
    patience: int = 3  # epochs without a better dev loss before training stops
    batch_size: int = 128
    learning_rate: float = 2e-3  # at the start of a cosine decay to zero
    weight_decay: float = 0.3  # per step, times the learning rate
    label_smoothing: float = 0.0

    reward_epochs: int = 4  # of self-critical training (notebook 07)
    reward_patience: int = 2
    reward_batch_size: int = 64  # pictures
    reward_samples: int = 5  # captions drawn per picture
    reward_learning_rate: float = 5e-5

    beam_size: int = 3
    alpha: float = 1.0  # exponent of the length in the beam search's length normalization
    max_length: int = 30  # words

    # Names that a settings cell gave itself; all others may be taken from the files of a run.
    named: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name != "named":
                value = _checked(item.name, getattr(self, item.name), item.default)
                object.__setattr__(self, item.name, value)
        _known("profile", self.profile, PROFILES)
        _known("start", self.start, STARTS)
        if not re.fullmatch(r"[A-Za-z0-9_-]{,60}", self.run):
            raise CourseError(
                f"run is {self.run!r}: name it with at most 60 letters, digits, - and _."
            )
        if not self.encoder or not self.dataset:
            raise CourseError("dataset and encoder must not be empty.")

    @property
    def data_folder(self) -> Path:
        """Folder of the raw data set."""
        if self.dataset == "scenes":
            count = self.picture_count
            return data_root() / ("scenes" if count == ALL_SCENES else f"scenes-{count}")
        if self.dataset == "flickr8k":
            return data_root() / "flickr8k"
        return Path(os.path.normpath(ROOT / os.path.expanduser(self.dataset)))


# What determines a trained model, besides the files that it is trained on.
MODEL_SETTINGS = (
    *("start", "seed", "embedding_size", "units", "dropout", "feature_scale", "feature_dropout"),
    *("epochs", "patience", "batch_size", "learning_rate", "weight_decay", "label_smoothing"),
)
# What determines which captions a search finds.
SEARCH_SETTINGS = ("beam_size", "alpha", "max_length")
REWARD_SETTINGS = (
    *("seed", "reward_epochs", "reward_patience", "reward_batch_size", "reward_samples"),
    *("reward_learning_rate", *SEARCH_SETTINGS),
)


def from_environment(name: str) -> str:
    """Return the variable `CAPTION_<NAME>` without blanks around it; empty if it is not set."""
    return os.environ.get(f"CAPTION_{name.upper()}", "").strip()


def folder_from_environment(name: str) -> Path | None:
    """Return the folder that `CAPTION_<NAME>` names, from the project's folder on.

    Returns:
        The folder, which need not be there; None where the variable is empty or not set.

    Raises:
        CourseError: The variable leads to a file, to nobody's home, or to the project itself.
    """
    text = from_environment(name)
    if not text:
        return None
    path = Path(os.path.normpath(ROOT / os.path.expanduser(text)))
    variable = f"CAPTION_{name.upper()} is {text!r}"
    if text.startswith("~") and os.path.expanduser(text) == text:
        raise CourseError(f"{variable}, and nobody here has that name: give a whole path.")
    if path == ROOT:  # `scenes` would lie in the package of that name
        raise CourseError(f"{variable}, the project itself: give another folder.")
    try:
        file = next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), None)
    except OSError as error:
        raise CourseError(f"{variable}, which cannot be a folder: {error.strerror}.") from error
    if file:
        raise CourseError(f"{variable}, and {file} is a file: give a folder.")
    return path


def data_root() -> Path:
    """Folder of raw data sets and runs: `data/`, or `CAPTION_DATA`."""
    return folder_from_environment("data") or ROOT / "data"


def default_settings(dataset: str, encoder: str, profile: str, **changes: Any) -> Settings:
    """Return the settings for a data set, an encoder and a profile, some of them changed.

    Raises:
        CourseError: A value has the wrong type or is out of range.
    """
    like = dataset if dataset in DATASET_DEFAULTS else "flickr8k"  # photographs, most likely
    defaults = DATASET_DEFAULTS[like]
    defaults = defaults | ENCODER_DEFAULTS.get((like, frozenset(encoder.split("+"))), {})
    defaults = defaults | PROFILE_CHANGES.get(profile, {})
    chosen = {"dataset": dataset, "encoder": encoder, "profile": profile}
    settings = Settings(**defaults | chosen | changes, named=frozenset(changes) - _CHOICES)
    return like_pretrained(settings) if settings.start == "pretrained" else settings


def load_settings(**changes: Any) -> Settings:
    """Read the settings of this run from the environment.

    `CAPTION_DATASET`, `CAPTION_ENCODER`, `CAPTION_PROFILE`, `CAPTION_RUN` and `CAPTION_START`
    choose; keyword arguments win over them, so `load_settings(units=256)` in a notebook tries one
    change, and `load_settings(run="wide", units=512)` tries it beside the model that is there.

    Raises:
        CourseError: An unknown setting, data set or profile, or a value out of range.
    """
    for name in changes:
        _known("setting", name, _FIELDS)
        if name in _CHOICES and not isinstance(changes[name], str):
            raise CourseError(f"{name} is {changes[name]!r}: give a text in quotation marks.")
    chosen = {"dataset": "scenes", "profile": "full", "run": ""}
    for name in (*chosen, "encoder", "start"):
        if value := from_environment(name) or chosen.get(name):
            chosen[name] = value
    chosen = chosen | changes
    settings = default_settings(**{"encoder": _default_encoder(chosen)} | chosen)
    if settings.dataset not in DATASET_DEFAULTS and not os.path.isdir(settings.data_folder):
        if os.path.isfile(settings.data_folder):
            raise CourseError(
                f"The data set {settings.dataset!r} is a file: unpack it, if it is an archive, and "
                "give the path of a folder."
            )
        near = get_close_matches(settings.dataset, DATASET_DEFAULTS, 1)
        raise CourseError(
            f"Unknown data set {settings.dataset!r}: "
            + (f"did you mean {near[0]!r}? Or " if near else "choose scenes, flickr8k, or ")
            + "give the path of a folder with pictures and captions (see data/README.md)."
        )
    return settings


def _default_encoder(chosen):
    own = chosen["dataset"] not in DATASET_DEFAULTS
    if own or chosen.get("start") == "pretrained":
        return pretrained_settings()["encoder"]
    # A run of two minutes has no time for VGG16.
    return "efficientnet_lite0" if chosen["profile"] == "small" else "vgg16"


def for_size(
    settings: Settings, captions: int, words: int, start: str | None = None, known: float = 1.0
) -> Settings:
    """Return the settings that fit a folder of one's own, in place of those that nobody named.

    Args:
        settings: Of any data set; those of `scenes` and `flickr8k` stay as they are.
        captions: How many captions the train split has.
        words: As many as the longest of them has.
        start: What the vocabulary was made for, if it is there already.
        known: `share_of_known` of them.

    Raises:
        CourseError: The start that somebody named does not fit the captions.
    """
    if settings.dataset in DATASET_DEFAULTS:
        return settings
    english = known >= SAME_LANGUAGE
    if "start" not in settings.named:
        start = (start or _default_start(settings, captions)) if english else "nothing"
        settings = replace(settings, start=start)
    continued = settings.start == "pretrained"
    if continued and not english:
        raise CourseError(
            "start is 'pretrained', but the captioner that comes with the course is English and "
            f"knows {known:.0%} of the words of these captions: take start='nothing'."
        )
    settings = like_pretrained(settings) if continued else settings
    sizes = CONTINUED_SIZES if continued else SIZES
    changes = next((values for most, values in sizes if captions < most), {})
    changes = changes | {"max_length": max(words, settings.max_length)}
    kept = settings.named | PROFILE_CHANGES[settings.profile].keys()
    return replace(settings, **{k: v for k, v in changes.items() if k not in kept})


def with_recorded(settings: Settings, recorded: dict[str, Any]) -> Settings:
    """Return `settings` with recorded values in place of those that nobody named."""
    return replace(settings, **{k: v for k, v in recorded.items() if k not in settings.named})


def _default_start(settings, captions):
    """Few photographs profit from what is known, if nothing is named that it does not share."""
    like = pretrained_settings()
    shared = settings.encoder == like["encoder"] and all(
        getattr(settings, name) == like[name] for name in settings.named & like.keys()
    )
    if settings.profile == "full" and captions < CONTINUED_BELOW and shared:
        return "pretrained"
    return "nothing"


_FIELDS = tuple(item.name for item in fields(Settings) if item.name != "named")
_CHOICES = frozenset({"dataset", "encoder", "profile", "run"})  # never taken from a run's files


def _known(what, name, names):
    if name not in names:
        near = get_close_matches(str(name), names, 1)
        advice = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names)}."
        raise CourseError(f"Unknown {what} {name!r}: {advice}")


def _checked(name, value, default):
    """Return a value in the type of its default, or raise the sentence that says what is wrong."""
    if isinstance(default, (bool, str)):
        if not isinstance(value, type(default)):
            kind = "True or False" if isinstance(default, bool) else "a text in quotation marks"
            raise CourseError(f"{name} is {value!r}: give {kind}.")
        return value
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
        kind = "a whole number" if whole else "a number"
        raise CourseError(f"{name} is {value!r}: give {kind}.")
    lowest, highest = RANGES[name]
    # NaN fails the comparison, too.
    if not lowest <= value <= highest or math.isnan(value):
        raise CourseError(f"{name} is {value}: give a number from {lowest} to {highest}.")
    return int(value) if whole else float(value)
