"""The weights of all CNNs that a run needs, there before its first minute is spent."""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from utils.encoders import build_encoder, joined_encoders
from utils.errors import CourseError
from utils.run import Run


def get_weights(runs: Iterable[Run]) -> None:
    """Get what the encoders of runs need whose features are yet to be made, from far if need be.

    Raises:
        CourseError: The weights of an encoder cannot be had, or somebody pressed Ctrl-C; the
            sentence names it.
    """
    runs = [run for run in runs if not run.holds("features.npy")]
    names = {info.name: None for run in runs for info in joined_encoders(run.settings.encoder)}
    # In a process of its own, so that TensorFlow does not keep its memory while notebooks run.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for name in names:
            try:
                pool.submit(_build, name).result()
            except KeyboardInterrupt:
                raise CourseError(f"Stopped before the weights of {name} were there.") from None


def _build(name):
    build_encoder(name)
