"""Notebooks executed as people do it: whole, then again from some heading, in one kernel."""

import hashlib
import json
import re
import zipfile
from contextlib import contextmanager

import nbformat
import numpy as np
import pandas as pd
from nbclient import NotebookClient

from commands.notebooks import NOTEBOOKS

BAR = re.compile(r"^.*\d+%\|.*\|.*$|^.*\d+ pictures \[.*\]$", re.MULTILINE)
TIMED = re.compile(r"second|perf_counter|history\.round")


class Session:
    """One notebook in one kernel.

    Args:
        step: The notebook's name without `.ipynb`.
        changes: Dict of texts in its code cells and what stands there instead.
    """

    def __init__(self, step, changes=None):
        self.notebook = nbformat.read(NOTEBOOKS / f"{step}.ipynb", as_version=4)
        for before, after in (changes or {}).items():
            cells = [cell for cell in self.notebook.cells if before in cell.source]
            assert cells, f"{before!r} stands nowhere in {step}"
            for cell in cells:
                cell.source = cell.source.replace(before, after)
        self.client = NotebookClient(
            self.notebook,
            timeout=None,
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            coalesce_streams=True,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
        )

    @contextmanager
    def started(self):
        with self.client.setup_kernel():
            yield self

    def headings(self):
        """The headings with the number of the cell in which each stands."""
        found = []
        for number, cell in enumerate(self.notebook.cells):
            if cell.cell_type == "markdown":
                names = re.findall(r"^##+ (.*)$", cell.source, re.MULTILINE)
                found += [(name, number) for name in names if name not in ("Summary", "Try it")]
        return found

    def run(self, first=0):
        """Execute from a cell to the end; returns what each cell shows, seconds aside."""
        shown = {}
        for number, cell in enumerate(self.notebook.cells):
            if number >= first and cell.cell_type == "code":
                self.client.execute_cell(cell, number)
                shown[number] = _shown(cell)
        return shown


def _shown(cell):
    parts = []
    for output in cell.outputs:
        assert output.output_type != "error", output
        if output.output_type == "stream":
            parts += [BAR.sub("", output.text)] if output.name == "stdout" else []
        else:
            parts += [f"{kind}:{data}" for kind, data in sorted(output.data.items())]
    text = "\n".join(parts)
    if TIMED.search(cell.source):  # how long something took differs from time to time
        text = re.sub(r"[-\d.,]+|\s+|nan", "", text)
    return hashlib.sha256(text.encode()).hexdigest(), text[:2000]


def contents(folder):
    """What the files of one or more runs hold: name to something comparable, seconds aside."""
    found = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        name = str(place)
        manifest = any(path.with_suffix(end).exists() for end in (".csv", ".npy", ".keras"))
        # Manifests hold seconds, and fingerprints of files that hold the date.
        if path.is_dir() or "notebooks" in place.parts or path.name == "fingerprints.json":
            continue
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as file:
                found[name] = hashlib.sha256(file.read("model.weights.h5")).hexdigest()
        elif path.suffix == ".npz":
            with np.load(path) as file:
                found[name] = {key: file[key].tobytes() for key in file.files}
        elif path.name.startswith("history") and path.suffix == ".csv":
            found[name] = pd.read_csv(path).drop(columns="seconds").to_csv()
        elif path.name.startswith("metrics") and not manifest and "manifest" not in path.name:
            metrics = json.loads(path.read_text("utf-8"))
            found[name] = {key: value for key, value in metrics.items() if key != "seconds"}
        elif path.suffix != ".json" or not (manifest or "manifest" in path.name):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def rerun_from(session, heading, number, whole, folder):
    """Execute from a heading on; returns what differs from the whole pass, in words."""
    before = contents(folder)
    shown = session.run(number)
    differences = [
        f"cell {cell} shows something else: {whole[cell][1][:300]!r} / {shown[cell][1][:300]!r}"
        for cell in shown
        if shown[cell] != whole[cell]
    ]
    after = contents(folder)
    names = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    differences += [f"{name} is another file" for name in sorted(names)]
    return [f"from “{heading}”: {difference}" for difference in differences]
