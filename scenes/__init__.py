"""The embedded data set: scenes drawn on the spot, with captions and known facts.

Read in this order: `primitives` (shapes and light), `people`, `animals`, `fish`, `vehicles`,
`nature` (things), `places`, `world` (what goes together), `compose` (a scene and its drawing),
`facts`, `words` and `sentences` (captions), `truth` (is a caption right?), `generate` (the files).
"""

from scenes.compose import draw_scene, sample_scene
from scenes.generate import generate_scenes, make_scene
from scenes.truth import Truth, read_truth

__all__ = ["Truth", "draw_scene", "generate_scenes", "make_scene", "read_truth", "sample_scene"]
