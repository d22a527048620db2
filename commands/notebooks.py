"""`make run`, `make reward`, `make runs`, `make publish`: notebooks executed in order."""

import asyncio
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from commands.published import edited_notebooks
from commands.weights import get_weights
from utils.artifacts import atomic_path
from utils.checkpoint import epochs_done
from utils.errors import CourseError
from utils.files import FILES, SHARED
from utils.run import Run
from utils.settings import FIGURES, ROOT, load_settings
from utils.vocabulary import counted_by

NOTEBOOKS = ROOT / "notebooks"
STEPS = (
    "01_data_cleaning",
    "02_feature_extraction",
    "03_tokenization",
    "04_model_build",
    "05_training",
    "06_evaluation",
)
REWARD_STEPS = ("07_self_critical_training",)  # takes as long as all others together
PHOTO_STEPS = ("08_your_photographs",)
# Worked answers to the exercises, a notebook per chapter that has some.
SOLUTIONS = tuple(f"solutions/{path.stem}" for path in sorted(NOTEBOOKS.glob("solutions/*.ipynb")))

WIDGET = "application/vnd.jupyter.widget-view+json"


class Stopped(Exception):
    """Somebody pressed Ctrl-C; says where."""


class ShowingClient(NotebookClient):
    """A notebook client that tells on the terminal how far it is."""

    def watch(self, step: str) -> None:
        """Print a line for every cell of the notebook called `step`."""
        self.step, self.heading, self.done, self.started = step, "", 0, 0.0
        self.stopped = False
        self.count = sum(cell.cell_type == "code" for cell in self.nb.cells)
        self.on_cell_start, self.on_cell_executed = self._cell_starts, self._cell_executed

    def _cell_starts(self, cell, cell_index):
        self.started = time.perf_counter()
        heading = re.search(r"^#+ (.*)$", cell.source, re.MULTILINE)
        if heading and cell.cell_type == "markdown":
            self.heading = heading[1]

    def create_kernel_manager(self) -> Any:
        """Return what starts kernels with this Python, whatever else is called python3 here."""
        manager = super().create_kernel_manager()
        manager.kernel_spec_manager.kernel_dirs = []  # no list is looked through
        return manager

    @asynccontextmanager
    async def async_setup_kernel(self, **options: Any) -> AsyncIterator[None]:
        """Start the kernel; Ctrl-C interrupts it, so that training can keep what it has."""
        async with super().async_setup_kernel(**options):
            with suppress(RuntimeError):  # Windows hands no signals on; not the main thread
                asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._stop)
            yield

    def _stop(self):
        # Pressed once more, the kernel is not asked but killed.
        stop = self.km.kill_kernel if self.stopped else self.km.interrupt_kernel
        self._stopping = asyncio.ensure_future(ensure_async(stop()))
        self.stopped = True

    def _cell_executed(self, cell, cell_index, execute_reply):
        self.done += 1
        seconds = time.perf_counter() - self.started
        counted = f"{self.done:2}/{self.count}"
        print(f"{_clear()}{self.step:35} {counted} {seconds:7.1f} s  {self.heading}", flush=True)
        if self.stopped:  # and the cell has come to its end all the same
            raise Stopped

    def process_message(self, msg: dict, cell: Any, cell_index: int) -> Any:
        """Handle a message of the kernel; carriage returns mark a progress bar."""
        text = msg["content"].get("text", "") if msg["msg_type"] == "stream" else ""
        for line in text.splitlines():
            if line.startswith("Data set "):  # what `load_raw_dataset` took it for
                print(f"{_clear()}{line}", flush=True)
        if sys.stdout.isatty() and "\r" in text:
            print("\r" + text.rsplit("\r", 1)[1].rstrip("\n"), end="", flush=True)
        return super().process_message(msg, cell, cell_index)


def _clear():
    """What empties the line of a progress bar, on a terminal."""
    return "\r\033[K" if sys.stdout.isatty() else ""


def execute(step: str, target: Path) -> None:
    """Execute one notebook and write the executed copy.

    Args:
        step: The notebook's name without `.ipynb`; that of a solution begins with `solutions/`.
        target: Path of the executed copy; also written, as far as it got, if a cell fails.

    Raises:
        CourseError: A cell failed or its kernel died; the sentence names the cell's heading.
        Stopped: Ctrl-C was pressed meanwhile.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{step}.ipynb", as_version=4)
    client = ShowingClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.watch(step)
    try:
        client.execute(env=os.environ | {"PYTHONPATH": str(ROOT)})  # this `utils` and no other
    except (CellExecutionError, DeadKernelError, Stopped) as error:
        where = f"{step}.ipynb, at “{client.heading}”"
        if client.stopped:
            raise Stopped(f"Stopped in {where}") from error
        if isinstance(error, CellExecutionError):
            said = f"{error.ename}: {error.evalue}"
            raise CourseError(f"{step}.ipynb stopped at “{client.heading}”: {said}") from error
        raise CourseError(
            f"The kernel of {where}, was killed, most often because the memory ran out: close "
            "other programs or take a smaller batch_size, and run again."
        ) from error
    finally:
        for cell in notebook.cells:
            # Times of day differ from run to run and tell a reader nothing.
            cell.metadata.pop("execution", None)
            if cell.cell_type == "code":
                # A widget lives as long as its kernel; saved, it would be an error message.
                cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
        with atomic_path(target) as temporary:
            nbformat.write(notebook, temporary)


def steps_of(run: Run) -> tuple[str, ...]:
    """Return the notebooks that `make run` executes: a named run builds on what is there."""
    shared = [name for name, made in FILES.items() if made.notebook <= SHARED]
    if run.settings.run and all(run.holds(name) for name in shared):
        return tuple(step for step in STEPS if step > SHARED)
    return STEPS


def print_scores(run: Run, name: str) -> None:
    """Print the test scores of a `metrics.json` as a table."""
    scores = run.load(name)["test"]
    named = {f"beam {key}" if key.isdigit() else key: values for key, values in scores.items()}
    table = pd.DataFrame(named).T
    unit = counted_by(run.load("captions.csv")["caption"].head(1000))
    told = "" if unit == "words" else f", {unit} in place of words"
    print(f"\nTest scores (x100){told}:\n{table.round(1).to_string()}")


def publish(run: Run, steps: tuple[str, ...]) -> None:
    """Replace the committed notebooks, and the figures that README.md shows, by the run's own."""
    for step in steps:
        shutil.copyfile(run.folder / "notebooks" / f"{step}.ipynb", NOTEBOOKS / f"{step}.ipynb")
    for name in re.findall(r"figures/(\w+\.png)", (ROOT / "README.md").read_text("utf-8")):
        if (run.figures / name).exists():  # others come from `make results`
            shutil.copyfile(run.figures / name, FIGURES / name)
    print("Published to notebooks/ and, where README.md shows them, figures/.")


def main() -> None:
    """Execute notebooks for the data set and encoder that the environment names.

    Without arguments 01 to 06; with `--reward` 07, which goes on from there; with `--publish`
    all and the solutions: executed copies and the figures of README.md replace the committed ones.
    `--runs` executes nothing and lists the runs that are there.
    """
    wanted = sys.argv[1:]
    try:
        if "--runs" in wanted:
            from utils.evaluation import compare_runs  # seconds of loading, needless elsewhere

            print(compare_runs().round(1).to_string(index=False, na_rep=""))
            return
        run = Run(load_settings())
        steps = REWARD_STEPS if "--reward" in wanted else steps_of(run)
        if "--publish" in wanted:
            steps = STEPS + REWARD_STEPS + PHOTO_STEPS + SOLUTIONS
        print(f"{run.folder.name}, profile {run.settings.profile}")
        if "--publish" not in wanted and (edited := edited_notebooks(NOTEBOOKS, steps)):
            print(edited)
        started = time.perf_counter()
        if FILES["features.npy"].notebook in steps:
            get_weights([run])
        for step in steps:
            execute(step, run.folder / "notebooks" / f"{step}.ipynb")
        reward = "--reward" in wanted
        print_scores(run, "metrics_self_critical.json" if reward else "metrics.json")
    except CourseError as error:
        sys.exit(f"\n{error}")
    except Stopped as error:
        trains = step == FILES["model.keras"].notebook
        epochs = epochs_done(run.folder / "training") if trains else 0
        after = f", after epoch {epochs}" if epochs else ""
        print(f"\n{error}{after}. What is done is kept: the same command goes on from there.")
        sys.exit(130)
    shown = os.path.relpath(run.folder, ROOT)
    print(f"\n{time.perf_counter() - started:.0f} s in all.")
    print(f"Executed notebooks: {shown}/notebooks\nFigures:            {shown}/figures")
    if "--publish" in wanted:
        publish(run, steps)


if __name__ == "__main__":
    main()
