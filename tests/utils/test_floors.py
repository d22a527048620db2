"""Who may know what: a module imports only from floors below it, and few of them TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UTILS = ROOT / "utils"
FLOORS = (
    ("errors", "blocks"),
    ("defaults", "pretrained"),
    ("settings", "tensorflow_setup"),
    ("vocabulary", "images", "model", "artifacts", "locks", "fonts"),
    ("datasets", "encoders", "decoding", "metrics", "plotting", "batches", "checkpoint", "files"),
    ("run", "training", "self_critical", "distillation", "consensus", "guidance")
    + ("plotting_model", "plotting_scores", "plotting_words"),
    ("confidence",),
    ("captioner_folder",),
    ("captioner", "evaluation"),
    ("explain",),
    ("photo_page",),
)
FLOOR = {name: floor for floor, names in enumerate(FLOORS, 1) for name in names}


def room_of(path):
    parts = path.relative_to(UTILS).with_suffix("").parts
    return parts[0]


def imported(path):
    """The modules that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "utils":
                names = [f"utils.{item.name}" for item in node.names]
        else:
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
        yield from names


def imported_rooms(path):
    """The modules of utils that a file imports anywhere."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("utils.")}


MODULES = [path for path in sorted(UTILS.rglob("*.py")) if path != UTILS / "__init__.py"]
OTHERS = [*(ROOT / "cnns").glob("*.py"), *(ROOT / "commands").glob("*.py")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(UTILS)))
def test_a_room_imports_only_from_floors_below(path):
    own = room_of(path)
    others = imported_rooms(path) - {own}
    assert own in FLOOR, f"{own} stands on no floor: name it in FLOORS"
    assert not {room: FLOOR[room] for room in others if FLOOR[room] >= FLOOR[own]}


@pytest.mark.parametrize(
    ("package", "unknown"),
    [
        ("scenes", {"utils", "cnns", "commands"}),
        ("cnns", {"utils", "scenes", "commands"}),
        ("utils", {"commands"}),
    ],
)
def test_what_a_package_does_not_know(package, unknown):
    for path in (ROOT / package).rglob("*.py"):
        assert not {name.split(".")[0] for name in imported(path)} & unknown, path


def test_few_modules_know_tensorflow():
    modules = ["settings", "errors", "vocabulary", "images", "artifacts", "files", "run", "batches"]
    modules += ["datasets", "metrics", "plotting", "encoders.registry", "encoders"]
    code = "import sys, scenes\n" + "\n".join(f"import utils.{name}" for name in modules)
    code += "\nprint({'tensorflow', 'keras'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_modules_and_functions_stay_short():
    for path in [*MODULES, *OTHERS]:
        text = path.read_text("utf-8")
        assert text.count("\n") < 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 50, (path, node.name)
