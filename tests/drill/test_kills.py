"""Every notebook killed with `kill -9` at random moments, kernel and all, and run again."""

import os
import random
import shutil
import subprocess
import sys
import time

import psutil
import pytest
from kills import contents_of_data
from reruns import contents

from commands.notebooks import REWARD_STEPS, STEPS
from utils.settings import ROOT

RUN = "scenes-120-efficientnet_lite0-fast"
ROUNDS, KILLS = 3, 3  # of each notebook: so often killed in a row, then run to its end
EXECUTE = """
import sys
from pathlib import Path
from commands.notebooks import execute
step, folder = sys.argv[1:]
execute(step, Path(folder) / "notebooks" / f"{step}.ipynb")
"""
TABLE = []


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of all data; what lay there before each notebook, and after the last."""
    folder, kept = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("kept")
    seconds = {}
    for step in (*STEPS, *REWARD_STEPS):
        shutil.copytree(folder, kept / step)
        started = time.monotonic()
        with started_in(folder, step) as program:
            assert program.wait() == 0, step
        seconds[step] = time.monotonic() - started
    shutil.copytree(folder, kept / "end")
    return folder, kept, seconds


def started_in(folder, step):
    """A notebook that is being executed."""
    names = {"DATASET": "scenes", "ENCODER": "efficientnet_lite0", "PROFILE": "fast"}
    names["DATA"] = str(folder)
    environment = os.environ | {f"CAPTION_{name}": value for name, value in names.items()}
    command = [sys.executable, "-c", EXECUTE, step, str(folder / "runs" / RUN)]
    options = {"stdout": subprocess.DEVNULL, "cwd": ROOT}
    return subprocess.Popen(command, env=environment | {"PYTHONPATH": str(ROOT)}, **options)


def killed_after(folder, step, seconds):
    """Kill a notebook and all that it started; returns False if it was over before."""
    with started_in(folder, step) as program:
        try:
            assert program.wait(seconds) == 0, step
            return False
        except subprocess.TimeoutExpired:
            family = [*psutil.Process(program.pid).children(recursive=True), program]
            for process in family:
                process.kill()
            psutil.wait_procs(family[:-1])
    return True


def bring_back(kept, folder):
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


def differing(found, expected):
    """The names of the files that are not the same."""
    names = found.keys() | expected.keys()
    return sorted(name for name in names if found.get(name) != expected.get(name))


@pytest.mark.parametrize("step", [*STEPS, *REWARD_STEPS])
def test_a_killed_notebook_goes_on_to_the_same_end(step, course):
    folder, kept, seconds = course
    following = [*STEPS, *REWARD_STEPS, "end"]
    after = kept / following[following.index(step) + 1]
    moments, killed, again, latest = random.Random(step), [], [], 0.95 * seconds[step]
    for _ in range(ROUNDS):
        bring_back(kept / step, folder)
        planned = len(killed) + KILLS
        while len(killed) < planned:
            moment = moments.uniform(0.1, 1) * latest
            if killed_after(folder, step, moment):
                killed.append(moment)
            else:  # it was over before: once more, and sooner
                latest *= 0.8
                bring_back(kept / step, folder)
        started = time.monotonic()
        with started_in(folder, step) as program:
            assert program.wait() == 0
        again.append(time.monotonic() - started)
        assert not differing(contents(folder / "runs" / RUN), contents(after / "runs" / RUN))
        pictures = (contents_of_data(place / "scenes-120") for place in (folder, after))
        assert not differing(*pictures)
        assert not list(folder.rglob(".*.tmp*"))
    moments = ", ".join(f"{moment:.0f}" for moment in killed)
    TABLE.append((step, seconds[step], len(killed), moments, sum(again) / ROUNDS))


def test_at_least_sixty_were_killed(capsys):
    """The table, of those notebooks that came to the same end."""
    with capsys.disabled():
        print("\n\n| notebook | seconds | killed | after seconds | run again | files |")
        print("|---|---|---|---|---|---|")
        for step, seconds, count, moments, again in TABLE:
            print(f"| {step} | {seconds:.0f} | {count} | {moments} | {again:.0f} | the same |")
    assert sum(row[2] for row in TABLE) >= 60
