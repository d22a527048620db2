"""What data set, encoder, profile and size of data change of the settings; what a value may be."""

from typing import Any

# Chosen on dev; where nothing stands the defaults of `Settings` hold.
DATASET_DEFAULTS: dict[str, dict[str, Any]] = {
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
# A folder of one's own, by the number of its train captions: few captions need small batches and
# many epochs, or the model has hardly taken a step when it stops.
SIZES: tuple[tuple[int, dict[str, Any]], ...] = (
    (500, {"min_count": 1, "batch_size": 16, "epochs": 40, "patience": 8, "dropout": 0.6}),
    (3_000, {"min_count": 2, "batch_size": 32, "epochs": 30, "patience": 8, "dropout": 0.6}),
    (10_000, {"min_count": 3, "batch_size": 64, "epochs": 15, "patience": 4}),
)
# The same where START=pretrained goes on from the captioner that comes with the course. That is the
# default for so many train captions, five of each of 3,000 pictures.
CONTINUED_BELOW = 15_000
CONTINUED_SIZES: tuple[tuple[int, dict[str, Any]], ...] = (
    (3_000, {"min_count": 2, "batch_size": 32, "epochs": 10, "learning_rate": 1e-3}),
    (10_000, {"min_count": 3, "batch_size": 64, "epochs": 8, "learning_rate": 5e-4}),
)
# What two views of every picture make room for: twice the units, a model that learns less by heart.
MIRRORED = {"mirrored": True, "units": 512, "dropout": 0.5, "feature_scale": 0.1}
# By data set and encoders; the order in which encoders are joined does not matter.
ENCODER_DEFAULTS: dict[tuple[str, frozenset[str]], dict[str, Any]] = {
    ("flickr8k", frozenset({"efficientnet_lite0"})): {
        **MIRRORED,
        "feature_dropout": 0.0,
        "epochs": 9,
        "alpha": 0.9,
    },
    ("flickr8k", frozenset({"vgg16", "efficientnet_lite2", "efficientnet_lite0"})): MIRRORED,
    (
        "flickr8k",
        frozenset({"efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"}),
    ): MIRRORED,
    (
        "flickr8k",
        frozenset({"efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "xception"}),
    ): MIRRORED,
}
PROFILE_CHANGES: dict[str, dict[str, Any]] = {
    "full": {},
    "small": {
        "picture_count": 400,
        "learning_rate": 4e-3,
        "embedding_size": 128,
        "units": 128,
        "dropout": 0.35,
        "epochs": 20,
    },
    "fast": {
        "picture_count": 120,
        "learning_rate": 5e-3,
        "embedding_size": 32,
        "units": 64,
        "epochs": 6,
    },
}
# Lowest and highest value that makes sense; a rate of 1 would drop everything.
RANGES = {
    "seed": (0, 2**31 - 1),
    "picture_count": (80, 100_000),
    "min_count": (1, 10_000),
    "embedding_size": (1, 16_384),
    "units": (1, 16_384),
    "dropout": (0, 0.99),
    "feature_scale": (1e-6, 1e6),
    "feature_dropout": (0, 0.99),
    "epochs": (1, 10_000),
    "patience": (1, 10_000),
    "batch_size": (1, 65_536),
    "learning_rate": (1e-9, 10),
    "weight_decay": (0, 100),
    "label_smoothing": (0, 0.99),
    "reward_epochs": (1, 10_000),
    "reward_patience": (1, 10_000),
    "reward_batch_size": (1, 65_536),
    "reward_samples": (2, 1000),  # a caption is judged by its siblings
    "reward_learning_rate": (1e-9, 10),
    "beam_size": (1, 1000),
    "alpha": (0, 10),
    "max_length": (1, 1000),
}
