"""The small package that the notebooks share; `load_captioner` is its one-line door."""


def __getattr__(name):
    # Imported on first use: notebooks 01 and 03 have no need to wait for TensorFlow.
    if name == "load_captioner":
        from utils.captioner import load_captioner

        return load_captioner
    raise AttributeError(f"module 'utils' has no attribute {name!r}")
