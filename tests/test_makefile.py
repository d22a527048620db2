"""`make` in all surroundings: moved, copied, without its Python, among foreign settings."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RULES = "show: .venv/installed ; @.venv/bin/hello\nvariables: ; @env\n"
HELLO = "import sys\nprint(sys.prefix, __file__)\n"
FINDER = "lib/python3.{}/site-packages/__editable___course_finder.py"


def make(project, *target, **variables):
    # Not as a part of the make that runs these tests.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    # Not --eval, which the make of macOS does not know.
    command, options = (
        ["make", "-f", "Makefile", "-f", "rules.mk", *target],
        {"capture_output": True, "text": True},
    )
    return subprocess.run(command, cwd=project, env=inherited | variables, **options)


def finder_of(project):
    return project / ".venv" / FINDER.format(sys.version_info.minor)


@pytest.fixture
def project(tmp_path):
    """A project with a small .venv, as `make` and pip leave it."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "rules.mk").write_text(RULES)
    for name in ("requirements.txt", "pyproject.toml"):
        (folder / name).write_text(f"# {name}\n")
    venv.create(folder / ".venv", symlinks=True)
    for name, code in (("pip", ""), ("hello", HELLO)):
        script = folder / ".venv" / "bin" / name
        script.write_text(f"#!{folder}/.venv/bin/python\n{code}")
        script.chmod(0o755)
    finder_of(folder).write_text(f"MAPPING = {{'utils': '{folder}/utils'}}\n")
    (folder / ".venv" / "installed").write_text("# requirements.txt\n# pyproject.toml\n")
    return folder


def test_a_project_where_it_was_is_left_alone(project):
    before = {path: path.stat().st_mtime_ns for path in (project / ".venv").rglob("*")}
    done = make(project, "show")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [f"{project}/.venv", f"{project}/.venv/bin/hello"]
    assert before == {path: path.stat().st_mtime_ns for path in (project / ".venv").rglob("*")}


@pytest.mark.parametrize(
    ("name", "copied"),
    [
        ("elsewhere", False),
        ("elsewhere", True),
        ("my project", False),
        ("projet-é", False),
        ("deep" * 40, False),
        ("project/in", True),
    ],
)
def test_a_project_that_was_moved_or_copied_works_where_it_lies(project, tmp_path, name, copied):
    new = tmp_path / name
    if copied:
        shutil.copytree(project, new, symlinks=True)
    else:
        project.rename(new)
    os.utime(new / ".venv" / "installed", (0, 0))  # the requirements were copied last
    for told in (f"The project lay in {project} before: .venv is told.\n", ""):
        done = make(new, "show")
        assert (done.returncode, done.stderr) == (0, told)
        assert done.stdout.splitlines() == [f"{new}/.venv {new}/.venv/bin/hello"]
    assert finder_of(new).read_text() == f"MAPPING = {{'utils': '{new}/utils'}}\n"
    if copied:
        assert finder_of(project).read_text() == f"MAPPING = {{'utils': '{project}/utils'}}\n"


def test_a_linked_environment_belongs_to_another_project(project, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(project, other, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    (other / ".venv").symlink_to(project / ".venv")
    done = make(other, "show")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(project) in finder_of(project).read_text()


def test_an_environment_without_its_python_is_made_anew(project):
    shutil.move(project / ".venv" / "bin" / "hello", project / "hello")
    (project / "hello").write_text("#!/bin/sh\n")
    python = project / ".venv" / "bin" / "python"
    for link in python.parent.glob("python*"):
        link.unlink()
    python.symlink_to(project / "gone")
    fake = project / "python"  # in place of an installation
    fake.write_text(
        "#!/bin/sh\nmkdir -p .venv/bin && cp hello .venv/bin && cp true .venv/bin/python"
    )
    shutil.copy(shutil.which("true"), project / "true")
    fake.chmod(0o755)
    done = make(project, "show", PYTHON="./python")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "The Python of .venv is gone: it is made anew.\n"
    assert "./python -m venv .venv" in done.stdout
    assert not finder_of(project).exists()
    assert (project / ".venv" / "installed").read_text() == "# requirements.txt\n# pyproject.toml\n"


def test_a_python_home_does_not_cost_the_environment(project):
    done = make(project, "show", PYTHONHOME="/nowhere")
    assert done.returncode == 0 and finder_of(project).exists(), done.stderr


def test_other_requirements_are_installed(project):
    (project / "requirements.txt").write_text("# more\n")
    os.utime(project / ".venv" / "installed", (0, 0))
    done = make(project, "show", PYTHON="false")
    assert done.returncode != 0 and "false .ci/check_system.py" in done.stdout
    assert (project / ".venv" / "installed").read_text() == "# requirements.txt\n# pyproject.toml\n"


def test_foreign_packages_and_kernels_are_not_seen(project, tmp_path):
    foreign = {name: str(tmp_path) for name in ("PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH")}
    done = make(project, "variables", JUPYTER_PREFER_ENV_PATH="0", **foreign)
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert told["PYTHONPATH"] == str(project) and told["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert not {"PYTHONHOME", "JUPYTER_PATH"} & told.keys()
