"""All settings of a run, in one frozen dataclass (used by every notebook)."""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from utils.encoders import joined_encoders
from utils.errors import CourseError

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "figures"


@dataclass(frozen=True)
class Settings:
    """What a run is made with; `load_settings` fills in the defaults of a data set.

    `data_folder` and `run_folder` say where its files lie.
    """

    dataset: str = "scenes"  # scenes, flickr8k, or a folder with captions.txt and Images/
    encoder: str = "vgg16"  # a name in utils.encoders.ENCODERS, or several joined by +
    profile: str = "full"  # full, or fast: everything small, to check that every step works
    seed: int = 7
    picture_count: int = 1600  # pictures that `scenes` draws
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

    @property
    def data_folder(self):
        """Folder of the raw data set."""
        if self.dataset == "scenes":  # the fast profile draws fewer
            return data_root() / ("scenes" if self.profile == "full" else f"scenes-{self.profile}")
        if self.dataset == "flickr8k":
            return data_root() / "flickr8k"
        return ROOT / Path(self.dataset).expanduser()

    @property
    def run_folder(self):
        """Folder of everything a run writes: `data/runs/<dataset>-<encoder>`."""
        runs = os.environ.get("CAPTION_RUNS")
        runs = ROOT / Path(runs).expanduser() if runs else data_root() / "runs"
        return runs / f"{Path(self.dataset).name}-{self.encoder}"

    def model_settings(self):
        """The settings that determine the trained model, for manifests."""
        names = ("seed", "embedding_size", "units", "dropout", "feature_scale", "feature_dropout")
        names += ("epochs", "patience", "batch_size", "learning_rate", "weight_decay")
        names += ("label_smoothing",)
        return {name: value for name, value in asdict(self).items() if name in names}


# Chosen on dev; where nothing stands the defaults above hold.
DATASET_DEFAULTS = {
    "scenes": {"dropout": 0.5, "epochs": 30, "patience": 8, "batch_size": 64},
    # Long feature vectors are learned by heart: with VGG16's at full scale the dev loss is 3.09,
    # with these settings 2.92. VGG16 joined with the EfficientNets needs them as well.
    "flickr8k": {
        "min_count": 5,
        "feature_scale": 0.15,
        "feature_dropout": 0.35,
        "weight_decay": 0.0,
        "epochs": 10,
    },
}
# What two views of every picture make room for: twice the units, a model that learns less by heart.
MIRRORED = {"mirrored": True, "units": 512, "dropout": 0.5, "feature_scale": 0.1}
ENCODER_DEFAULTS = {
    ("flickr8k", "efficientnet_lite0"): {
        **MIRRORED,
        "feature_dropout": 0.0,
        "epochs": 9,
        "alpha": 0.9,
    },
    ("flickr8k", "vgg16+efficientnet_lite2+efficientnet_lite0"): MIRRORED,
}
FAST = {"picture_count": 120, "learning_rate": 5e-3, "embedding_size": 32, "units": 64, "epochs": 6}
PROFILES = ("full", "fast")


def data_root():
    """Folder of raw data sets and runs: `data/`, or `CAPTION_DATA`."""
    return ROOT / Path(os.environ.get("CAPTION_DATA", "data")).expanduser()


def load_settings(**changes):
    """Read the settings of this run from the environment.

    `CAPTION_DATASET`, `CAPTION_ENCODER` and `CAPTION_PROFILE` choose; keyword arguments win
    over them, so `load_settings(units=256)` in a notebook tries one change.

    Raises:
        CourseError: Unknown data set, encoder or profile.
    """
    dataset = changes.get("dataset") or os.environ.get("CAPTION_DATASET") or "scenes"
    encoder = changes.get("encoder") or os.environ.get("CAPTION_ENCODER") or "vgg16"
    profile = changes.get("profile") or os.environ.get("CAPTION_PROFILE") or "full"
    joined_encoders(encoder)
    if profile not in PROFILES:
        raise CourseError(f"Unknown profile {profile!r}: choose one of {', '.join(PROFILES)}.")
    settings = Settings(
        **DATASET_DEFAULTS.get(dataset, {"min_count": 5})
        | ENCODER_DEFAULTS.get((dataset, encoder), {}),
        dataset=dataset,
        encoder=encoder,
        profile=profile,
    )
    if profile == "fast":
        settings = replace(settings, **FAST)
    settings = replace(settings, **changes)
    if dataset not in DATASET_DEFAULTS and not settings.data_folder.is_dir():
        raise CourseError(
            f"Unknown data set {dataset!r}: choose scenes, flickr8k, or the path of a folder "
            "with captions.txt and Images/."
        )
    return settings
