"""Frozen ImageNet CNNs as image encoders: a table of them, and pictures to feature vectors."""

from importlib import import_module
from typing import Any

from utils.encoders.registry import (
    ENCODERS,
    EncoderInfo,
    encoder_info,
    feature_size,
    joined_encoders,
)

_FEATURES = (
    "build_encoder",
    "extract_features",
    "extract_views",
    "normalize_features",
    "quadrant_means",
)
__all__ = ["ENCODERS", "EncoderInfo", "encoder_info", "feature_size", "joined_encoders", *_FEATURES]


def __getattr__(name: str) -> Any:
    # Imported on first use: settings and runs ask the table, and have no need to wait for OpenCV.
    if name in _FEATURES:
        return getattr(import_module("utils.encoders.features"), name)
    raise AttributeError(f"module 'utils.encoders' has no attribute {name!r}")
