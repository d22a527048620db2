"""Every notebook, run again from each of its headings: the same files and outputs."""

import pytest
from reruns import Session, rerun_from

from utils.course import REWARD_STEPS, STEPS
from utils.run import Run
from utils.settings import load_settings


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """An environment for the fast profile, everything in a temporary folder."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("course")
    names = {"DATASET": "scenes", "ENCODER": "efficientnet_lite0", "PROFILE": "fast", "RUN": ""}
    for name, value in (names | {"DATA": str(folder)}).items():
        patch.setenv(f"CAPTION_{name}", value)
    patch.delenv("CAPTION_RUNS", raising=False)
    yield Run(load_settings()).folder
    patch.undo()


@pytest.mark.parametrize("step", [*STEPS, *REWARD_STEPS])
def test_every_heading_of(step, fast):
    differences = []
    with Session(step).started() as session:
        whole = session.run()
        if step.startswith("02"):
            whole = session.run()  # features are reused from now on, and one cell says so
        for heading, number in session.headings():
            differences += rerun_from(session, heading, number, whole, fast)
    assert not differences, "\n".join(differences)
