"""What `make run` says when it cannot go on: stopped by hand, a dead kernel."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from commands import notebooks
from utils.errors import CourseError
from utils.settings import ROOT


def notebook(folder, *code):
    cells = [nbformat.v4.new_markdown_cell("## 1 · A heading")]
    made = nbformat.v4.new_notebook(cells=cells + list(map(nbformat.v4.new_code_cell, code)))
    nbformat.write(made, folder / "05_training.ipynb")


def test_a_kernel_that_dies_is_named_as_that(tmp_path, monkeypatch):
    notebook(tmp_path, "import os\nos.kill(os.getpid(), 9)")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    with pytest.raises(CourseError, match="“1 · A heading”, was killed") as caught:
        notebooks.execute("05_training", tmp_path / "executed.ipynb")
    assert "\n" not in str(caught.value)


def test_what_the_data_set_was_taken_for_is_shown_on_the_terminal(tmp_path, monkeypatch, capsys):
    notebook(tmp_path, "print('drawing\\rdone\\nData set mine: a table of captions\\n3 captions')")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    notebooks.execute("05_training", tmp_path / "executed.ipynb")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Data set mine: a table of captions"
    assert second.startswith("05_training")


PROGRAM = """
import sys
from pathlib import Path
from commands import notebooks
notebooks.NOTEBOOKS = Path(sys.argv.pop())
notebooks.STEPS = ("05_training",)
notebooks.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("graceful", [True, False])
def test_ctrl_c_gives_one_sentence_and_leaves_no_kernel(tmp_path, graceful):
    told = tmp_path / "pid"
    end = "except KeyboardInterrupt: pass" if graceful else "finally: pass"
    code = f"import os, time\nopen({str(told)!r}, 'w').write(str(os.getpid()))\n"
    notebook(tmp_path, code + f"try: time.sleep(100)\n{end}", "raise ValueError('went on')")
    environment = os.environ | {"CAPTION_DATA": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, env=environment, **options) as program:
        wait(lambda: told.exists() and told.read_text())
        program.send_signal(signal.SIGINT)
        said = program.communicate(timeout=60)[0]
    assert program.returncode == 130, said
    *_, last = said.splitlines()
    assert last.startswith("Stopped in 05_training.ipynb, at “1 · A heading”. What is done is kept")
    assert "Traceback" not in said
    wait(lambda: not alive(int(told.read_text())))


def wait(ready, seconds=60):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_foreign_kernel_and_foreign_packages_are_not_used(tmp_path, monkeypatch):
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "another", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    (tmp_path / "utils.py").write_text("raise ValueError('another package called utils')")
    for name in ("JUPYTER_PATH", "PYTHONPATH"):
        monkeypatch.setenv(name, str(tmp_path))
    code = f"import sys, utils\nassert sys.executable == {sys.executable!r}"
    called = [sys.executable, "-c", "import commands, utils; print(*utils.__path__)"]
    assert subprocess.check_output(called, cwd=tmp_path, text=True).strip() == str(ROOT / "utils")
    (tmp_path / "notebooks").mkdir()
    notebook(tmp_path / "notebooks", code, f"assert utils.__path__ == [{str(ROOT / 'utils')!r}]")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path / "notebooks")
    notebooks.execute("05_training", tmp_path / "executed.ipynb")
