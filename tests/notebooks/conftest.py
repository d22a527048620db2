"""A run in the fast profile, for each file of tests its own."""

import pytest

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


@pytest.fixture(scope="module")
def run(fast):
    """The run after all notebooks."""
    patch = pytest.MonkeyPatch()
    patch.setattr("sys.argv", ["course"])
    main()
    patch.undo()
    return Run(load_settings())
