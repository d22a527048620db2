"""Every notebook, run again from each of its headings: the same files and outputs."""

import pytest
from reruns import Session, contents, rerun_from

from commands.notebooks import REWARD_STEPS, STEPS, main
from utils.run import Run
from utils.settings import load_settings


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """An environment for the fast profile, everything in a temporary folder."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("course")
    names = {"DATASET": "scenes", "ENCODER": "efficientnet_lite0", "PROFILE": "fast"}
    for name, value in (names | {"DATA": str(folder)}).items():
        patch.setenv(f"CAPTION_{name}", value)
    patch.setattr("sys.argv", ["course"])
    main()
    yield Run(load_settings()).folder
    patch.undo()


@pytest.mark.parametrize("step", [*STEPS, *REWARD_STEPS])
def test_every_heading_of(step, fast):
    differences = []
    with Session(step).started() as session:
        whole = session.run()
        for heading, number in session.headings():
            differences += rerun_from(session, heading, number, whole, fast)
    assert not differences, "\n".join(differences)


def test_the_stop_button_leaves_a_usable_model_and_the_cell_goes_on(fast):
    """Notebook 05 stopped in its third epoch: 06 works; the cell run again ends as ever."""
    run = Run(load_settings())
    straight = contents(fast)
    stop = """    describe.calls = getattr(describe, "calls", 0) + 1
    if describe.calls == 3:
        raise KeyboardInterrupt
"""
    docstring = '    """Greedy captions of the watched pictures."""\n'
    with Session("05_training", {docstring: stop}).started() as made:
        made.run()
        assert len(run.load("history.csv")) == 2
        with Session("06_evaluation").started() as evaluation:
            evaluation.run()
        assert run.holds("metrics.json")
        number = dict(made.headings())["4 · Train"]
        made.run(number)
    with Session("06_evaluation").started() as evaluation:
        evaluation.run()
    assert contents(fast) == straight
