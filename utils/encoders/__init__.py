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

# Imported on first use: settings and runs ask the table, and have no need to wait for OpenCV.
_LATER = {
    "build_classifier": "features",
    "build_encoder": "features",
    "classify": "features",
    "extract_features": "features",
    "normalize_features": "features",
    "quadrant_means": "features",
    "write_views": "writing",
}
__all__ = ["ENCODERS", "EncoderInfo", "encoder_info", "feature_size", "joined_encoders", *_LATER]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"utils.encoders.{_LATER[name]}"), name)
    raise AttributeError(f"module 'utils.encoders' has no attribute {name!r}")
