"""Two processes that want the same: the second waits or is refused, and a killed one frees it."""

import subprocess
import sys
import threading
import time

import pytest

from utils.errors import CourseError
from utils.locks import locked

HOLD = """
import sys
from pathlib import Path
from utils.locks import locked
with locked(Path(sys.argv[1]), "works"):
    print("ready", flush=True)
    input()
"""


@pytest.fixture
def other(tmp_path):
    """Another process, which holds the lock `tmp_path / "lock"`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_the_second_is_refused_in_one_sentence(other, tmp_path):
    refused = pytest.raises(CourseError, match=r"^Another process works: wait\.$")
    with refused, locked(tmp_path / "lock", "works", "wait"):
        pass


def test_the_second_waits_and_says_so(other, tmp_path, capsys):
    threading.Timer(0.5, other.kill).start()
    started = time.monotonic()
    with locked(tmp_path / "lock", "works"):
        assert time.monotonic() - started > 0.4
    assert capsys.readouterr().out == "Waiting for another process that works.\n"


def test_a_killed_process_holds_nothing(other, tmp_path, capsys):
    other.kill()
    other.wait()
    with locked(tmp_path / "lock", "works", "wait"):
        pass
    assert capsys.readouterr().out == ""


def test_the_same_process_may_hold_it_twice(tmp_path):
    with locked(tmp_path / "lock", "works", "a"), locked(tmp_path / "lock", "works", "b"):
        pass


def test_a_place_without_folder_or_for_reading_only_keeps_nobody_out(tmp_path, monkeypatch):
    with locked(tmp_path / "no" / "lock", "works", "wait"):
        assert not (tmp_path / "no").exists()

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("utils.locks.FileLock.acquire", refuse)
    with locked(tmp_path / "lock", "works", "wait"):
        pass
