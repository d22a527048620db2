"""Notebook 08 and the worked answers to all exercises, executed on a run in the fast profile."""

import pytest
from reruns import contents

from commands.notebooks import PHOTO_STEPS, SOLUTIONS, execute


@pytest.mark.parametrize("step", [*PHOTO_STEPS, *SOLUTIONS])
def test_photographs_and_worked_answers_run_and_leave_the_run_alone(run, fast, step):
    before = contents(run.folder)
    execute(step, fast / "executed.ipynb")
    assert contents(run.folder) == before


def test_notebook_08_without_a_run_waits_for_pictures(fast, monkeypatch):
    monkeypatch.setenv("CAPTION_RUNS", str(fast / "no runs"))
    execute("08_your_photographs", fast / "08.ipynb")
    assert "No pictures so far." in (fast / "08.ipynb").read_text("utf-8")
