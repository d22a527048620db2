"""A run in the fast profile: made once, and for each file of tests a copy of its own."""

import os
import shutil

import pytest
from filelock import FileLock

from commands.notebooks import main
from utils.run import Run
from utils.settings import load_settings


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """An environment for the fast profile, everything in a temporary folder."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("course")
    for name, value in (
        ("DATASET", "scenes"),
        ("ENCODER", "efficientnet_lite0"),
        ("PROFILE", "fast"),
        ("DATA", folder),
    ):
        patch.setenv(f"CAPTION_{name}", str(value))
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def place_of_all(tmp_path_factory):
    """The folder that all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="module")
def run(fast, place_of_all):
    """The run after all notebooks."""
    made, begun = place_of_all / "made", place_of_all / "begun"
    with FileLock(place_of_all / "made.lock"), pytest.MonkeyPatch.context() as patch:
        if not made.exists():
            patch.setenv("CAPTION_DATA", str(begun))
            patch.setattr("sys.argv", ["course"])
            main()
            begun.rename(made)
    shutil.copytree(made, fast, dirs_exist_ok=True)
    return Run(load_settings())
