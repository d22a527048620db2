"""Every public function and method says the types of what it takes and returns."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path
    for package in ("utils", "scenes", "cnns", "commands")
    for path in (ROOT / package).rglob("*.py")
    if "painters" not in path.parts
)


def public_functions(node, within=""):
    """Yield (name, function) of all public functions and methods, not of those inside them."""
    for child in ast.iter_child_nodes(node):
        name = getattr(child, "name", "")
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield within + name, child
        elif isinstance(child, ast.ClassDef):
            yield from public_functions(child, f"{within}{name}.")
        elif isinstance(child, (ast.If, ast.Try, ast.With)):
            yield from public_functions(child, within)


def untyped(source):
    """List what has no annotation in a module: "caption(beam_size)", "caption -> ?"."""
    found = []
    for name, function in public_functions(ast.parse(source)):
        plain = any(getattr(mark, "id", "") == "staticmethod" for mark in function.decorator_list)
        given = function.args
        named = [*given.posonlyargs, *given.args]
        if "." in name and not plain:
            named = named[1:]  # self or cls
        named += [*given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        found += [f"{name}({item.arg})" for item in named if item.annotation is None]
        found += [] if function.returns else [f"{name} -> ?"]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_public_functions_say_their_types(path):
    assert not untyped(path.read_text("utf-8"))


def test_what_is_missing_is_found():
    source = """
def scored(said: list, references, *rest, beam_size=3) -> dict: ...
def _private(anything): ...
class Captioner:
    def __init__(self, models): ...
    def caption(self, picture: str): ...
    @staticmethod
    def load(folder) -> str: ...
    @property
    def encoders(self) -> list: ...
"""
    assert untyped(source) == [
        "scored(references)",
        "scored(beam_size)",
        "scored(rest)",
        "Captioner.__init__(models)",
        "Captioner.__init__ -> ?",
        "Captioner.caption -> ?",
        "Captioner.load(folder)",
    ]
