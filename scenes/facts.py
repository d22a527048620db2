"""Facts: what is known of a picture, taken from its scene and from where the drawing put things."""

import numpy as np

from scenes import world
from scenes.painters.primitives import SIZE


def is_sound(layout: list[dict]) -> bool:
    """Return whether every thing lies inside the frame and none is hidden behind another.

    Args:
        layout: The second value that `draw_scene` returned.
    """
    for index, item in enumerate(layout):
        x0, y0, x1, y1 = item["box"]
        if min(x0, y0) < 0 or max(x1, y1) > SIZE or item["visible"] < (0.8 if index == 0 else 0.35):
            return False
    return True


def facts_of(scene: dict, layout: list[dict]) -> dict:
    """Return the facts of a picture.

    Args:
        scene: What `sample_scene` returned.
        layout: Boxes of its things, as `draw_scene` returned them.

    Returns:
        JSON-serialisable dict: main, category, color, garment, action, count, place, light,
        weather, relation ([relation, thing] to the partner, or None), relations (all true ones
        of the main thing, as "near tree"), things (every other thing with color, action, count,
        role), box of the main thing (pixels), novel (name of the combination, or None).
    """
    main = scene["things"][0]
    category = world.CATEGORY[main["thing"]]
    things: dict[tuple, dict] = {}
    for item in scene["things"][1:]:
        key = (item["thing"], item["color"], item["action"], item["role"])
        things.setdefault(
            key, dict(zip(("thing", "color", "action", "role"), key, strict=True)) | {"count": 0}
        )
        things[key]["count"] += 1
    partner = None
    relations: set[str] = set()
    for item, place in zip(scene["things"][1:], layout[1:], strict=True):
        found = _relations(main, item, layout[0]["box"], place["box"])
        relations.update(f"{relation} {item['thing']}" for relation in (*found, "with"))
        if item["role"] in ("partner", "companion") and found:
            partner = [found[0], item["thing"]]
    return {
        "main": main["thing"],
        "category": category,
        "color": main["color"],
        "garment": main["style"]["garment"] if category == "person" else None,
        "action": main["action"],
        "count": 1,
        "place": scene["place"],
        "light": scene["light"],
        "weather": scene["weather"],
        "relation": partner,
        "relations": sorted(relations),
        "things": list(things.values()),
        "box": [int(round(v)) for v in layout[0]["box"]],
        "novel": scene["novel"],
    }


def _relations(main, item, box, other):
    """Return the true relations of the main thing to another, the most telling one first."""
    thing, role = item["thing"], item["role"]
    if role == "held":
        return {"bicycle": ["on", "with"], "umbrella": ["under", "with"]}.get(thing, ["with"])
    if main["action"] == "flying" and main["thing"] in ("plane", "balloon", "bird"):
        return ["over"]
    if (
        main["action"] == "sitting"
        and (main["thing"] == "bird" or thing == "bench")
        and role == "partner"
    ):
        return ["on"]
    if main["action"] == "leaning" and role == "partner":
        return ["against", "in front of", "near"]
    if main["action"] == "jumping" and thing == "fence":
        return ["over"]
    overlap = min(box[2], other[2]) - max(box[0], other[0])
    apart = (other[0] + other[2] - box[0] - box[2]) / 2
    near = ["near"] if overlap > -28 and role != "decor" else []
    if role == "companion":
        near.append("with")
    if overlap > 0.35 * min(box[2] - box[0], other[2] - other[0]) and box[3] > other[3] + 4:
        return ["in front of", *near]
    if abs(apart) > 24 and overlap < 0.2 * min(box[2] - box[0], other[2] - other[0]):
        return [("left of" if np.sign(apart) > 0 else "right of"), *near]
    return near
