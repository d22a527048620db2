"""`make run` and `make reward`: execute notebooks in order, show progress, print the scores."""

import json
import os
import re
import shutil
import sys
import time

import nbformat
import pandas as pd
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from utils.artifacts import atomic_path
from utils.errors import CourseError
from utils.settings import FIGURES, ROOT, load_settings

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


class ShowingClient(NotebookClient):
    """A notebook client that passes the progress bars of a running cell on to the terminal."""

    def process_message(self, msg, cell, cell_index):
        """Handle a message of the kernel; carriage returns mark a progress bar."""
        text = msg["content"].get("text", "") if msg["msg_type"] == "stream" else ""
        if sys.stdout.isatty() and "\r" in text:
            print("\r" + text.rsplit("\r", 1)[1].rstrip("\n"), end="", flush=True)
        return super().process_message(msg, cell, cell_index)


def execute(step, target):
    """Execute one notebook and write the executed copy.

    Args:
        step: The notebook's name without `.ipynb`.
        target: Path of the executed copy; also written, as far as it got, if a cell fails.

    Raises:
        CourseError: A cell failed; the sentence names the cell's heading and the error.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{step}.ipynb", as_version=4)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    progress = {"done": 0, "heading": "", "started": 0.0}

    def on_cell_start(cell, cell_index):
        progress["started"] = time.perf_counter()
        if heading := re.search(r"^#+ (.*)$", cell.source, re.MULTILINE):
            progress["heading"] = (
                heading[1] if cell.cell_type == "markdown" else progress["heading"]
            )

    def on_cell_executed(cell, cell_index, execute_reply):
        progress["done"] += 1
        seconds = time.perf_counter() - progress["started"]
        clear = "\r\033[K" if sys.stdout.isatty() else ""
        counted = f"{progress['done']:2}/{len(code_cells)}"
        print(f"{clear}{step:22} {counted} {seconds:7.1f} s  {progress['heading']}", flush=True)

    client = ShowingClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        on_cell_start=on_cell_start,
        on_cell_executed=on_cell_executed,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise CourseError(
            f"{step}.ipynb stopped at “{progress['heading']}”: {error.ename}: {error.evalue}"
        ) from error
    finally:
        for cell in code_cells:
            # Times of day differ from run to run and tell a reader nothing.
            cell.metadata.pop("execution", None)
        with atomic_path(target) as temporary:
            nbformat.write(notebook, temporary)


def print_scores(path):
    """Print the test scores of a `metrics.json` as a table."""
    metrics = json.loads(path.read_text("utf-8"))
    rows = {f"beam {size}": scores for size, scores in metrics["test"].items()}
    print("\nTest scores (x100):")
    print(pd.DataFrame(rows).T.round(1).to_string())


def main():
    """Execute notebooks for the data set and encoder that the environment names.

    Without arguments 01 to 06; with `--reward` 07, which goes on from there; with `--publish`
    all of them, and the executed copies and the figures of README.md replace the committed ones.
    """
    publish = "--publish" in sys.argv[1:]
    reward = "--reward" in sys.argv[1:]
    steps = STEPS + REWARD_STEPS if publish else REWARD_STEPS if reward else STEPS
    try:
        settings = load_settings()
        folder = settings.run_folder
        print(f"{settings.dataset} with {settings.encoder}, profile {settings.profile}")
        started = time.perf_counter()
        for step in steps:
            execute(step, folder / "notebooks" / f"{step}.ipynb")
        print_scores(folder / ("metrics_self_critical.json" if reward else "metrics.json"))
    except CourseError as error:
        sys.exit(f"\n{error}")
    shown = os.path.relpath(folder, ROOT)
    print(f"\n{time.perf_counter() - started:.0f} s in all.")
    print(f"Executed notebooks: {shown}/notebooks\nFigures:            {shown}/figures")
    if publish:
        for step in steps:
            shutil.copyfile(folder / "notebooks" / f"{step}.ipynb", NOTEBOOKS / f"{step}.ipynb")
        for name in re.findall(r"figures/(\w+\.png)", (ROOT / "README.md").read_text("utf-8")):
            if (folder / "figures" / name).exists():  # others come from `make results`
                shutil.copyfile(folder / "figures" / name, FIGURES / name)
        print("Published to notebooks/ and, where README.md shows them, figures/.")


if __name__ == "__main__":
    main()
