"""Scenes: choose what a picture shows and where it stands, then draw it."""

import numpy as np

from scenes import world
from scenes.painters import animals, fish, nature, people, vehicles
from scenes.painters.places import draw_place, draw_weather
from scenes.painters.primitives import SIZE, Canvas, Pen, finish

# Height of a thing in front, in picture units, and its width as a share of that height.
EXTENT = {
    "man": (148, 0.42), "woman": (146, 0.42), "boy": (130, 0.5), "girl": (130, 0.5),
    "dog": (74, 1.55), "cat": (74, 1.66), "horse": (84, 1.7), "cow": (86, 1.75), "sheep": (84, 1.6),
    "duck": (88, 1.35), "bird": (70, 1.3), "fish": (124, 1.16),
    "car": (152, 1.02), "bus": (168, 1.02), "truck": (164, 1.02), "bicycle": (120, 1.24),
    "boat": (128, 0.95), "balloon": (126, 0.7), "plane": (158, 1.1),
    "tree": (120, 0.78), "bench": (46, 1.95), "house": (108, 1.15), "fence": (36, 4.1),
    "flowers": (30, 2.0), "bush": (36, 2.0), "rock": (36, 1.8), "cactus": (88, 0.66),
    "snowman": (74, 0.9), "lamp": (124, 0.2), "hay": (46, 1.4), "castle": (40, 1.35),
}  # fmt: skip
WHEELED = ("car", "bus", "truck")


def sample_scene(rng: np.random.Generator, novel: str | None = None) -> dict:
    """Choose what a picture shows and where everything stands.

    Args:
        rng: NumPy generator.
        novel: Name of a combination in `world.NOVEL` that the scene must show; None: it shows
            none of them.

    Returns:
        A dict: place, light, weather, horizon, shore, road, novel and `things`, a list of dicts
        of which the first is the main thing.
    """
    while True:
        scene = _sample_once(rng, world.NOVEL[novel] if novel else {})
        if scene and world.novel_combination(scene["things"], scene["place"]) == novel:
            scene["novel"] = novel
            return scene


def _pick(rng, options):
    return options[int(rng.integers(len(options)))]


def _sample_once(rng, wanted):
    """Sample one scene that leans toward the wanted parts; None when it does not fit."""
    kind = wanted.get("thing")
    if kind == "umbrella":
        kind, wanted = None, {"action": "holding", "held": wanted["color"]}
    if kind is None:
        share = 0.0 if "held" in wanted else rng.random()
        group = world.PEOPLE if share < 0.52 else world.ANIMALS if share < 0.8 else world.VEHICLES
        kind = _pick(rng, group)
    category = world.CATEGORY[kind]
    table = (
        world.PERSON_ACTIONS
        if category == "person"
        else {**world.ANIMAL_ACTIONS, **world.VEHICLE_ACTIONS}[kind]
    )
    action = wanted.get("action") or _pick(rng, list(table))
    place = wanted.get("place") or _pick(rng, table[action])
    if place not in table[action]:
        return None
    color = wanted.get("color") or _pick(rng, world.COLORS[kind])
    main = {"thing": kind, "role": "main", "color": color, "action": action, "count": 1}
    scene = {"place": place, "things": [main], **_weather(rng, place, action)}
    _set_stage(rng, scene, main)
    _place_main(rng, scene, main)
    _add_held(rng, scene, main, wanted.get("held"))
    _add_partner(rng, scene, main)
    _add_decor(rng, scene)
    return scene


def _weather(rng, place, action):
    """Choose light and weather that suit the place."""
    share = rng.random()
    light = "day" if share < 0.6 else "sunset" if share < 0.8 else "night"
    weather = "clear"
    if light == "day":
        options = ["sunny", "sunny", "cloudy"]
        dry = place == "desert" or action in ("flying", "riding", "kicking", "throwing")
        if place == "snow":
            options = ["sunny", "snowy", "snowy"]
        elif place == "forest":
            options = ["clear", "clear", "clear"]  # the trees hide the sky
        if place not in ("snow", "desert") and not dry:
            options += ["rainy"] * (4 if action == "holding" else 1)
        weather = _pick(rng, options)
    elif light == "night" and place == "snow" and rng.random() < 0.4:
        weather = "snowy"
    return {"light": light, "weather": weather}


def _on_water(kind, action):
    """Whether the main thing is out on the water, and needs it wide."""
    return action in ("swimming", "sailing") or kind == "fish"


def _set_stage(rng, scene, main):
    """Set horizon and shore so that the main thing has room."""
    place = scene["place"]
    horizon = {"park": 112, "beach": 92, "street": 128, "snow": 104, "lake": 96, "forest": 122,
               "desert": 112, "farm": 108}[place]  # fmt: skip
    scene["horizon"] = horizon + (0.0 if place == "street" else float(rng.uniform(-6, 6)))
    wide = _on_water(main["thing"], main["action"])
    scene["shore"] = float(rng.uniform(190, 197) if wide else rng.uniform(142, 152))
    scene["road"] = main["thing"] in WHEELED and place != "street"


def _place_main(rng, scene, main):
    """Give the main thing its size, side and footing."""
    kind, action = main["thing"], main["action"]
    height, wide = EXTENT[kind]
    size = height * float(rng.uniform(0.9, 1.08))
    if kind == "bird" and action == "flying":
        size, wide = size * 0.72, 2.1
    if kind in world.ANIMALS:
        wide += {"running": 0.3, "jumping": 0.25, "lying": 0.2}.get(action, 0.0)
    if kind in world.PEOPLE:
        wide = {"riding": 1.16, "running": 0.72, "jumping": 0.96, "kicking": 1.0, "throwing": 0.8,
                "sitting": 0.62, "holding": 0.95, "flying": 0.6}.get(action, wide)  # fmt: skip
        size *= {"holding": 0.88, "jumping": 0.86, "riding": 0.9, "flying": 0.9}.get(action, 1.0)
    main["size"], main["width"] = size, size * wide
    main["flip"], main["swing"] = bool(rng.random() < 0.5), float(rng.uniform(-1, 1))
    half = main["width"] / 2
    main["x"] = float(rng.uniform(half + 6, SIZE - half - 6)) if half < 102 else SIZE / 2
    main["y"] = _footing(rng, scene, kind, action, size)
    if kind in world.PEOPLE:
        main["style"] = people.person_style(rng, kind, main["color"])
    elif kind == "bicycle":
        main["form"] = {part: bool(rng.random() < 0.5) for part in ("low", "basket", "rack")}
    elif kind == "fish":
        main["form"] = {
            "plump": float(rng.uniform(-1, 1)),
            "pattern": _pick(rng, ("plain", "stripes", "spots")),
        }


def _footing(rng, scene, kind, action, size):
    """Return the y of a main thing's feet, wheels, water line or middle."""
    if kind == "balloon":
        return float(rng.uniform(max(size + 6, 136), 150))
    if kind == "plane":
        return float(rng.uniform(66, 90))
    if kind == "bird" and action == "flying":
        return float(rng.uniform(80, 108))
    if action == "sailing":
        return float(rng.uniform(158, 172))
    if _on_water(kind, action):
        return float(rng.uniform(164, 176))
    if kind in WHEELED:
        return (
            float(rng.uniform(186, 191))
            if scene["place"] == "street"
            else float(rng.uniform(192, 198))
        )
    if scene["place"] == "street":
        return float(rng.uniform(206, 212))
    return float(rng.uniform(194, 208))


def _add_held(rng, scene, main, color=None):
    """Add the bicycle, ball, kite or umbrella of a person."""
    thing = world.HELD.get(main["action"]) if main["thing"] in world.PEOPLE else None
    if thing:
        color = color or _pick(rng, world.COLORS[thing])
        scene["things"].append(
            {"thing": thing, "role": "held", "color": color, "action": None, "count": 1}
        )
        if thing == "kite":
            side = -1 if main["x"] > SIZE / 2 else 1
            main["flip"] = side < 0
            held = scene["things"][-1]
            held["x"] = float(np.clip(main["x"] + side * rng.uniform(70, 88), 28, SIZE - 28))
            held["y"], held["size"] = float(rng.uniform(38, 50)), float(rng.uniform(56, 66))


def _side_thing(rng, scene, thing, role):
    """Return a thing for the foreground, not yet placed."""
    height, wide = EXTENT[thing]
    size = height * float(rng.uniform(0.88, 1.1))
    color = _pick(rng, world.COLORS[thing]) if thing in world.COLORS else None
    item = {"thing": thing, "role": role, "color": color, "action": None, "count": 1,
            "size": size, "width": size * wide, "flip": bool(rng.random() < 0.5),
            "swing": float(rng.uniform(-1, 1))}  # fmt: skip
    if thing == "tree":
        item["form"] = {"beach": "palm", "snow": "pine", "forest": "pine"}.get(
            scene["place"], "round"
        )
    if thing == "flowers":
        count = int(rng.integers(5, 8))
        item["offsets"] = np.stack(
            [np.linspace(-0.85, 0.85, count) + rng.uniform(-0.08, 0.08, count),
            rng.uniform(-0.6, 1, count)], 1
        ).tolist()  # fmt: skip
    return item


def _add_partner(rng, scene, main):
    """Add one thing in a clear relation to the main one: beside it, behind it, under it."""
    kind, action, place = main["thing"], main["action"], scene["place"]
    if kind == "bird" and action == "sitting":
        return _perch(rng, scene, main)
    if action == "sitting" and kind in world.PEOPLE and place in ("park", "street", "lake"):
        return _bench_seat(rng, scene, main)
    if action == "leaning":
        return _lean(rng, scene, main)
    if action == "jumping" and kind in ("horse", "dog") and rng.random() < 0.6:
        item = _side_thing(rng, scene, "fence", "partner")
        item["size"] = main["size"] * 0.3
        item["x"], item["y"] = main["x"], main["y"] + 1
        item["panel"] = min(4.0, 2 * (min(main["x"], SIZE - main["x"]) - 6) / item["size"])
        item["width"] = item["panel"] * item["size"]
        scene["things"].append(item)
        return None
    if _on_water(kind, action) or action == "flying" or rng.random() < 0.25:
        return None
    if rng.random() < 0.24 and kind not in WHEELED:
        thing = _pick(rng, world.COMPANIONS[place])
        if thing == kind:
            return None
        item = _side_thing(rng, scene, thing, "companion")
        item["size"] *= 0.62
        item["width"] *= 0.62
        item["action"] = "walking" if thing == "duck" else "standing"
        if thing in ("cat", "dog") and rng.random() < 0.5 or thing == "bird":
            item["action"] = "sitting"
    else:
        options = world.PARTNERS[place]
        if kind in WHEELED:  # only what is tall enough to be seen behind them
            options = [thing for thing in options if thing in ("tree", "lamp", "cactus")]
        if not options:
            return None
        item = _side_thing(rng, scene, _pick(rng, options), "partner")
    return _stand_beside(rng, scene, main, item)


def _stand_beside(rng, scene, main, item):
    """Place an item next to the main thing, or behind it where there is no room."""
    half, gap = main["width"] / 2, float(rng.uniform(3, 12))
    need = main["width"] + item["width"] + gap
    depth = {"tree": 14, "house": 34, "lamp": 12}.get(item["thing"], 2)
    if need <= SIZE - 8:
        left = bool(rng.random() < 0.5)
        spare = (SIZE - 8 - need) * float(rng.random())
        first = 4 + spare + (half if left else item["width"] / 2)
        second = first + half + gap + item["width"] / 2
        main["x"], item["x"] = (first, second) if left else (second, first)
        for held in scene["things"]:
            if held["thing"] == "kite":
                return
    elif item["thing"] in ("house", "tree"):
        side = 1 if rng.random() < 0.5 else -1
        item["x"] = float(
            np.clip(
                main["x"] + side * half * 0.6, item["width"] / 2 + 3, SIZE - item["width"] / 2 - 3
            )
        )
        depth = 36
    else:
        return
    item["y"] = main["y"] - depth
    if scene["place"] == "street":
        item["y"] = max(item["y"], 200.0)
    if main["thing"] in WHEELED:
        item["y"] = min(item["y"], 164.0 if scene["road"] else 141.0)
    scene["things"].append(item)
    return


def _perch(rng, scene, main):
    """Put a sitting bird on a fence or a rock."""
    thing = "fence" if scene["place"] in ("farm", "park", "snow", "lake") else "rock"
    item = _side_thing(rng, scene, thing, "partner")
    item["size"] = 56.0 if thing == "fence" else 48.0
    item["x"], item["y"] = main["x"], 204.0
    if thing == "fence":
        main["x"] = item["x"] = float(np.clip(main["x"], 84, SIZE - 84))
        item["panel"] = 2 * (min(item["x"], SIZE - item["x"]) - 6) / item["size"]
        item["width"] = item["panel"] * item["size"]
    main["y"] = item["y"] - item["size"] * (0.97 if thing == "fence" else 0.9)
    scene["things"].append(item)


def _bench_seat(rng, scene, main):
    """Put a sitting person on a bench."""
    item = _side_thing(rng, scene, "bench", "partner")
    item["size"] = 56.0
    item["width"] = 56.0 * 1.95
    main["x"] = item["x"] = float(np.clip(main["x"], 62, SIZE - 62))
    item["y"] = main["y"] = float(rng.uniform(198, 206))
    scene["things"].append(item)


def _lean(rng, scene, main):
    """Put something right behind a bicycle for it to lean against."""
    item = _side_thing(rng, scene, _pick(rng, world.SUPPORTS[scene["place"]]), "partner")
    side = -1 if main["flip"] else 1
    if item["thing"] in ("fence", "bench"):
        if item["thing"] == "fence":
            item["panel"] = 3.4
        item["size"] = 56.0
        item["width"] = 56.0 * item.get("panel", EXTENT["bench"][1])
        edge = item["width"] / 2 + 5
        main["x"] = item["x"] = float(np.clip(main["x"], edge, SIZE - edge))
    else:  # the trunk or post is behind the saddle or the handlebar
        if scene["place"] == "forest":
            item["form"] = "round"  # the needles of a pine would hide its trunk
        edge = item["width"] / 2 + 4
        shift = side * float(_pick(rng, (-0.17, 0.24))) * main["size"]
        item["x"] = float(np.clip(main["x"] + shift, edge, SIZE - edge))
        main["x"] = item["x"] - shift
    item["y"] = main["y"] - 4
    scene["things"].append(item)


def _add_decor(rng, scene):
    """Add a few small things in the distance that the place suggests."""
    thing = {
        "park": "tree",
        "snow": "tree",
        "desert": "cactus",
        "farm": "tree",
        "beach": "tree",
    }.get(scene["place"])
    if thing is None or scene["road"]:
        return
    taken = [(item["x"], item["width"] / 2) for item in scene["things"] if "width" in item]
    for _ in range(int(rng.integers(1, 4))):
        item = _side_thing(rng, scene, thing, "decor")
        item["size"] *= 0.42
        item["width"] *= 0.42
        item["x"] = float(rng.uniform(24, SIZE - 24))
        item["y"] = scene["horizon"] + float(rng.uniform(10, 22))
        if scene["place"] == "beach":
            item["y"] = scene["shore"] + float(rng.uniform(9, 13))
        if all(abs(item["x"] - x) > half + item["width"] * 0.4 for x, half in taken):
            scene["things"].append(item)
            taken.append((item["x"], item["width"] / 2))


def draw_scene(scene: dict, rng: np.random.Generator) -> tuple[np.ndarray, list[dict]]:
    """Draw a scene.

    Args:
        scene: What `sample_scene` returned.
        rng: NumPy generator for the details that no caption speaks of.

    Returns:
        The picture, uint8 [224, 224, 3], RGB, and a list with one dict per thing of the scene:
        `box` (x0, y0, x1, y1 in pixels, unclipped) and `visible` (share of its area in sight).
    """
    canvas = Canvas(dark=scene["light"] == "night")
    draw_place(canvas, scene, rng)
    order = sorted(
        (i for i, item in enumerate(scene["things"]) if item["role"] != "held"),
        key=lambda i: (scene["things"][i]["role"] == "main", scene["things"][i]["y"]),
    )
    areas = {}
    for index in order:
        item = scene["things"][index]
        canvas.thing = index + 1
        _draw_thing(canvas, item, scene, rng)
        for number in {index + 1, *(n for n in canvas.boxes if n not in areas)}:
            areas[number] = int(np.count_nonzero(canvas.owner == number))
    layout = []
    for number in range(1, len(scene["things"]) + 1):
        left = int(np.count_nonzero(canvas.owner == number))
        layout.append(
            {
                "box": [float(v) for v in canvas.boxes[number]],
                "visible": left / max(areas[number], 1),
            }
        )
    draw_weather(canvas, scene["weather"], rng)
    return finish(canvas, scene["light"], rng), layout


def _draw_thing(canvas, item, scene, rng):
    """Draw one thing with its shadow."""
    kind = item["thing"]
    pen = Pen(canvas, item["x"], item["y"], item["size"], item["flip"])
    if kind in people.FRAMES:
        _draw_person(canvas, pen, item, scene)
    elif kind in animals.BREEDS:
        pen.shadow(0, 0.62)
        animals.draw_quadruped(
            pen,
            kind,
            item["color"],
            {"eating": "grazing"}.get(item["action"], item["action"]),
            item["swing"],
        )
    elif kind == "duck":
        pen.shadow(0, 0.5, 0.2 if item["action"] == "walking" else 0.12)
        animals.draw_duck(pen, item["color"], item["action"], item["swing"])
    elif kind == "bird":
        if item["role"] == "companion":
            pen.shadow(0, 0.4)
        animals.draw_bird(pen, item["color"], item["action"], item["swing"])
    elif kind == "fish":
        fish.draw_rings(pen)
        fish.draw_fish(pen, item["color"], item["form"], item["swing"])
        fish.draw_splash(pen, rng)
    elif kind == "bicycle":
        pen.shadow(0, 0.56, 0.12, 0.36)
        vehicles.draw_parked_bicycle(
            pen, item["color"], item["form"], item["action"] == "leaning", item["swing"]
        )
    elif kind in WHEELED:
        pen.shadow(0, 0.55, 0.12, 0.42)
        {"car": vehicles.draw_car, "bus": vehicles.draw_bus, "truck": vehicles.draw_truck}[kind](
            pen, item["color"], item["swing"]
        )
    elif kind in ("boat", "balloon", "plane"):
        pen.angle = 3 * item["swing"] if kind != "balloon" else 0
        if kind == "boat":
            pen.shadow(0.04, 0.5, 0.13, 0.32)
        {
            "boat": vehicles.draw_boat,
            "balloon": vehicles.draw_balloon,
            "plane": vehicles.draw_plane,
        }[kind](pen, item["color"], item["swing"])
    else:
        _draw_nature(pen, item, scene)


def _draw_nature(pen, item, scene):
    """Draw a tree, bench, house and the like."""
    kind, tone = item["thing"], int(abs(item["swing"]) * 40)
    pen.shadow(0, item["width"] / item["size"] * 0.42, 0.16)
    draw = {
        "tree": lambda: nature.draw_tree(pen, item["form"], tone, scene["place"] == "snow"),
        "bench": lambda: nature.draw_bench(pen),
        "house": lambda: nature.draw_house(pen, item["color"]),
        "fence": lambda: nature.draw_fence(pen, item.get("panel", 4.0)),
        "flowers": lambda: nature.draw_flowers(pen, item["color"], item["offsets"]),
        "rock": lambda: nature.draw_rock(pen, item["swing"]),
        "cactus": lambda: nature.draw_cactus(pen, item["swing"]),
        "snowman": lambda: nature.draw_snowman(pen),
        "lamp": lambda: nature.draw_lamp(pen),
        "bush": lambda: nature.draw_bush(pen, tone),
        "hay": lambda: nature.draw_hay(pen),
        "castle": lambda: nature.draw_castle(pen),
    }
    draw[kind]()


def _draw_person(canvas, pen, item, scene):
    """Draw a person with what the action needs."""
    action, style, number = item["action"], item["style"], canvas.thing
    held = next((i for i, other in enumerate(scene["things"]) if other["role"] == "held"), None)
    use = scene["things"][held] if held is not None else None
    pen.shadow(0, 0.4 if action == "riding" else 0.22)

    def carry(person, joints):
        if action == "holding":
            canvas.thing = held + 1
            _draw_umbrella(person, joints, use["color"])
            canvas.thing = number

    def ride(wheels, color):
        canvas.thing = held + 1
        points = vehicles.draw_bicycle(wheels, color)
        canvas.thing = number
        return points

    if action == "riding":
        people.draw_cyclist(pen, style, people.CLOTHES[use["color"]], ride)
        return
    joints = people.draw_person(pen, style, _pose(pen, item, scene), carry)
    if use is not None and action != "holding":
        canvas.thing = held + 1
        _draw_ball_or_kite(canvas, pen, joints, action, use)
        canvas.thing = number


def _pose(pen, item, scene):
    """Return the pose for an action; a person on a bench is lifted to its seat."""
    action = item["action"]
    if action != "sitting":
        return action
    bench = next((other for other in scene["things"] if other["role"] == "partner"), None)
    if bench is None or bench["thing"] != "bench" or bench["x"] != item["x"]:
        return "resting"
    reach = people.FRAMES[item["thing"]]["hip"] / 2 * pen.size
    pen.y -= max(0.0, 0.5 * bench["size"] - reach)
    return "sitting"


def _draw_umbrella(person, joints, color):
    """Draw an umbrella in the far hand, its rim above the head."""
    hand, rim = joints["far_arm"][-1], joints["head"][1] + 0.06
    x, y = person.to_picture([hand])[0]
    umbrella = Pen(person.canvas, x, y, person.size * 0.46, person.flip, angle=10)
    nature.draw_umbrella(umbrella, color, (rim - hand[1]) / 0.46)


def _draw_ball_or_kite(canvas, pen, joints, action, use):
    """Draw the ball in the hand or before the foot, or the kite and its string."""
    if use["thing"] == "ball":
        hand, foot = joints["near_arm"][-1] + (0.0, 0.01), joints["near_leg"][-1] + (0.15, -0.02)
        x, y = pen.to_picture([hand if action == "throwing" else foot])[0]
        ball = (0.2 if pen.size > 110 else 0.24) * pen.size
        nature.draw_ball(Pen(canvas, x, y, ball), use["color"])
    else:
        hand = pen.to_picture([joints["near_arm"][-1]])[0]
        kite = Pen(canvas, use["x"], use["y"], use["size"])
        local = ((hand[0] - use["x"]) / use["size"], (use["y"] - hand[1]) / use["size"])
        nature.draw_kite(kite, use["color"], local)
