"""A dozen `kill -9`: what was killed goes on, and ends as if nothing had been."""

import random
import shutil
import sys

import pytest
from kills import STAGES, Worker, contents_of_data
from reruns import contents

KILLS = 4  # of each stage


@pytest.fixture(scope="module")
def worker():
    with Worker() as worker:
        yield worker


@pytest.fixture(scope="module")
def straight(worker, tmp_path_factory):
    """A folder before and after each stage, nothing killed, and the seconds of each stage."""
    folder = tmp_path_factory.mktemp("straight")
    found, before = {}, folder / "start"
    before.mkdir()
    for stage in STAGES:
        after = shutil.copytree(before, folder / stage)
        _, seconds = worker.do(stage, after)
        found[stage] = before, after, seconds
        before = after
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="a forked TensorFlow is safe on Linux only")
@pytest.mark.parametrize("stage", STAGES)
def test_what_is_killed_goes_on_to_the_same_end(stage, worker, straight, tmp_path):
    before, after, seconds = straight[stage]
    folder = tmp_path / "data"
    shutil.copytree(before, folder)
    moments = random.Random(stage)
    for _ in range(KILLS):
        while not worker.do(stage, folder, moments.uniform(0.05, 0.9) * seconds)[0]:
            seconds *= 0.7  # it was over before: the machine is less busy now
            shutil.rmtree(folder)
            shutil.copytree(before, folder)
    worker.do(stage, folder)
    (run,) = (folder / "runs").iterdir()
    assert contents(run) == contents(after / "runs" / run.name)
    assert contents_of_data(folder / "scenes-80") == contents_of_data(after / "scenes-80")
    assert not list(folder.rglob(".*.tmp*"))
