"""A Python or a system without wheels is refused in one sentence, before anything is installed."""

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "check_system.py"
LINUX = ("Linux", "x86_64", "glibc")


@pytest.fixture
def check_system():
    spec = importlib.util.spec_from_file_location("check_system", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(check_system, monkeypatch, version=(3, 12), system=LINUX):
    """What the script prints as its last word on another machine, None if nothing."""
    name, machine, libc = system
    monkeypatch.setattr("sys.version_info", (*version, 4, "final", 0))
    monkeypatch.setattr("platform.system", lambda: name)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: (libc, ""))
    with pytest.raises(SystemExit) as stopped:
        check_system.main()
    return stopped.value.code


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
@pytest.mark.parametrize("system", [LINUX, ("Linux", "aarch64", "glibc"), ("Darwin", "arm64", "")])
def test_what_has_wheels_is_let_through(check_system, monkeypatch, version, system):
    assert run(check_system, monkeypatch, version, system) is None


@pytest.mark.parametrize("version", [(3, 6), (3, 9), (3, 10), (3, 14), (3, 15), (4, 0)])
def test_an_older_or_newer_python_is_refused(check_system, monkeypatch, version):
    told = run(check_system, monkeypatch, version)
    assert f"{version[0]}.{version[1]}" in told
    assert "make run PYTHON=python3.13" in told


@pytest.mark.parametrize(
    ("system", "advice"),
    [
        (("Darwin", "x86_64", ""), "Intel.*container"),
        (("Windows", "AMD64", ""), "WSL"),
        (("CYGWIN_NT-10.0-22631", "x86_64", ""), "WSL"),
        (("FreeBSD", "amd64", ""), "container"),
        (("Linux", "x86_64", "musl"), "glibc"),
        (("Linux", "x86_64", ""), "glibc"),
        (("Linux", "armv7l", "glibc"), "armv7l.*64-bit ARM"),
        (("Linux", "i686", "glibc"), "i686.*x86_64"),
    ],
)
def test_a_system_without_wheels_is_refused(check_system, monkeypatch, system, advice):
    told = run(check_system, monkeypatch, system=system)
    assert re.search(advice, told) and "\n" not in told


def test_an_old_python_can_read_the_script():
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 6))


def test_make_asks_the_script_and_the_package_says_the_same(check_system):
    assert "$(PYTHON) .ci/check_system.py" in (ROOT / "Makefile").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (_, oldest), (_, newest) = check_system.OLDEST, check_system.NEWEST
    assert project["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
