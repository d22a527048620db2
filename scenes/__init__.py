"""The embedded data set: scenes drawn on the spot, with captions and known facts.

Read in this order: `primitives` (shapes and light), `people`, `animals`, `fish`, `vehicles`,
`nature` (things), `places`, `world` (what goes together), `compose` (a scene and its drawing),
`facts`, `words` and `sentences` (captions), `truth` (is a caption right?), `generate` (the files).
"""

from scenes.compose import draw_scene, sample_scene
from scenes.generate import generate_scenes, load_facts, make_scene

__all__ = ["draw_scene", "generate_scenes", "load_facts", "make_scene", "sample_scene"]
