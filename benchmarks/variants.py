"""What the ablation compares: the plain model, and one change of it a row."""

from typing import Any

from utils.settings import default_settings

# The plain model, in full, so that later changes of the defaults do not move the starting point.
PLAIN = default_settings(
    dataset="flickr8k",
    encoder="efficientnet_lite0",
    profile="full",
    mirrored=False,
    min_count=5,
    embedding_size=256,
    units=256,
    dropout=0.35,
    feature_scale=0.1,
    feature_dropout=0.0,
    epochs=4,
    patience=4,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.0,
    label_smoothing=0.0,
    beam_size=3,
    alpha=1.0,
    max_length=30,
)
# Name of the row: what is changed. Keys are fields of the settings or what the functions
# `data_of`, `build_variant` and `train_variant` of `benchmarks.ablation` read.
VARIANTS: dict[str, dict[str, Any]] = {
    "plain model": {},
    "features: mirrored pictures too": {"mirrored": True},
    "features: no square root": {"no_root": True},
    "features: not standardized": {"unstandardized": True},
    "features: scale 0.3": {"feature_scale": 0.3},
    "features: scale 1": {"feature_scale": 1.0},
    "encoder: VGG16": {"encoder": "vgg16"},
    "encoder: Lite2": {"encoder": "efficientnet_lite2"},
    "encoders: VGG16 + Lite0": {"encoder": "vgg16+efficientnet_lite0"},
    "encoders: VGG16 + Lite2 + Lite0": {"encoder": "vgg16+efficientnet_lite2+efficientnet_lite0"},
    "weight decay: 0.1": {"weight_decay": 0.1},
    "dropout: 0.5": {"dropout": 0.5},
    "dropout: 0.2": {"dropout": 0.2},
    "dropout: on features too": {"feature_dropout": 0.35},
    "dropout: not on words": {"undropped": "embedding_dropout"},
    "dropout: not after the LSTM": {"undropped": "lstm_dropout"},
    "dropout: not after the fully connected layer": {"undropped": "fully_connected_dropout"},
    "units: 512": {"units": 512},
    "embedding: 512": {"embedding_size": 512},
    "embedding: shared with the softmax": {"shared": True},
    "vocabulary: words seen 3 times": {"min_count": 3},
    "label smoothing: 0.1": {"label_smoothing": 0.1},
    "learning rate: constant": {"constant": True},
}
# Read off the plain model, without another training.
DECODINGS = {
    "decoding: greedy": (1, 1.0),
    "decoding: beam 3, alpha 0": (3, 0.0),
    "decoding: beam 3, alpha 0.7": (3, 0.7),
    "decoding: beam 5, alpha 1": (5, 1.0),
    "decoding: beam 3, alpha 1.3": (3, 1.3),
}
AVERAGED = "weights: mean of the last 3 epochs"
SEEDS = (1, 2)
