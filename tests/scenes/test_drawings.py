"""The data set stays byte for byte what it is, and a package of its own."""

import ast
import hashlib
import json
from pathlib import Path

import pytest

from scenes import generate_scenes, make_scene

ROOT = Path(__file__).parents[2]

# First 16 digits of the SHA-256 of pixels, captions and facts, taken before the package moved.
SCENES = {
    (7, 1): ("5360f5acb6bca0e6", "cf0f8e7290a9232d", "0cd9fbc51a5fd7ff"),
    (7, 2): ("59a37f6d62185d54", "4d1774bd7ec74879", "b9031f4350076e6f"),
    (3, 40): ("49290a2e78eba8bb", "06171ec9321fb0c4", "259d5bca5553e174"),
}
FILES = {
    "captions.txt": "69371edc56906019",
    "facts.json": "69ef545c4c7ec631",
    "defects.json": "61d89e6f3ab7e134",
    "splits.csv": "a204477dca918a71",
    "Images/scene_0001.jpg": "50310b854fd64431",
    "Images/scene_0044.jpg": "492f6bed836a95ba",
}


def digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


@pytest.mark.parametrize(("seed", "index"), SCENES)
def test_a_scene_is_what_it_was(seed, index):
    picture, captions, facts = make_scene(seed, index)
    found = (
        digest(picture.tobytes()),
        digest("\n".join(captions).encode()),
        digest(json.dumps(facts, sort_keys=True).encode()),
    )
    assert found == SCENES[seed, index]


def test_the_files_of_a_data_set_are_what_they_were(tmp_path):
    generate_scenes(tmp_path, 80, 7)
    assert {name: digest((tmp_path / name).read_bytes()) for name in FILES} == FILES


def imports_of(path):
    """Every (module, name) that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, item.name) for item in node.names)
        elif isinstance(node, ast.Import):
            yield from ((item.name, None) for item in node.names)


def test_scenes_know_nothing_of_utils():
    modules = {m for path in (ROOT / "scenes").rglob("*.py") for m, _ in imports_of(path)}
    assert "numpy" in modules
    assert not [module for module in modules if module.split(".")[0] == "utils"]


def test_utils_knows_two_functions_of_scenes():
    pairs = {pair for path in (ROOT / "utils").rglob("*.py") for pair in imports_of(path)}
    used = {pair for pair in pairs if pair[0] and pair[0].split(".")[0] == "scenes"}
    assert used == {("scenes", "generate_scenes"), ("scenes", "read_truth")}
