"""What there is and what goes together: kinds, places, actions, colors, and novel combinations."""

PEOPLE = ("man", "woman", "boy", "girl")
ANIMALS = ("dog", "cat", "horse", "cow", "sheep", "duck", "bird", "fish")
VEHICLES = ("car", "bus", "truck", "bicycle", "boat", "balloon", "plane")
MAIN_KINDS = PEOPLE + ANIMALS + VEHICLES
CATEGORY = {
    **dict.fromkeys(PEOPLE, "person"),
    **dict.fromkeys(ANIMALS, "animal"),
    **dict.fromkeys(VEHICLES, "vehicle"),
}

PLACES = ("park", "beach", "street", "snow", "lake", "forest", "desert", "farm")
OPEN = ("park", "beach", "snow", "lake", "desert", "farm")

# Places of every action of a person; of every kind of animal or vehicle, with its actions.
PERSON_ACTIONS = {
    "standing": PLACES,
    "walking": PLACES,
    "running": PLACES,
    "jumping": PLACES,
    "sitting": ("park", "beach", "street", "lake", "forest", "farm", "desert"),
    "riding": ("park", "street", "forest", "farm", "beach", "desert"),
    "throwing": OPEN,
    "kicking": OPEN,
    "flying": OPEN,
    "holding": PLACES,
}
ANIMAL_ACTIONS = {
    "dog": {
        "standing": PLACES, "running": PLACES, "jumping": PLACES, "lying": PLACES,
        "sitting": PLACES,
    },
    "cat": {
        "standing": ("park", "street", "forest", "farm", "beach"),
        "sitting": ("park", "street", "snow", "forest", "farm", "beach"),
        "lying": ("park", "street", "beach", "farm", "lake"),
        "jumping": ("park", "street", "snow", "farm", "forest"),
    },
    "horse": {
        "standing": ("park", "beach", "snow", "desert", "farm", "lake"),
        "running": ("park", "beach", "snow", "desert", "farm", "forest"),
        "jumping": ("park", "beach", "snow", "desert", "farm", "forest"),
        "eating": ("park", "farm", "lake"),
    },
    "cow": {
        "standing": ("park", "farm", "lake", "snow", "forest"),
        "eating": ("park", "farm", "lake"),
        "lying": ("park", "farm", "lake", "snow", "forest"),
    },
    "sheep": {
        "standing": ("park", "farm", "lake", "snow", "forest", "desert"),
        "eating": ("park", "farm", "lake"),
        "running": ("park", "farm", "snow", "desert"),
        "lying": ("park", "farm", "lake", "forest"),
    },
    "duck": {
        "swimming": ("lake",),
        "walking": ("park", "farm", "lake", "street", "beach", "snow"),
    },
    "bird": {
        "flying": PLACES,
        "sitting": ("park", "farm", "beach", "snow", "lake", "desert", "forest"),
    },
    "fish": {"jumping": ("lake", "beach")},
}  # fmt: skip
VEHICLE_ACTIONS = {
    "car": {"driving": ("street", "desert", "farm", "snow", "forest", "park")},
    "bus": {"driving": ("street", "desert", "farm", "snow", "forest")},
    "truck": {"driving": ("street", "desert", "farm", "snow", "forest")},
    "bicycle": {
        "standing": ("park", "street", "beach", "forest", "farm", "lake"),
        "leaning": ("park", "street", "beach", "forest", "farm"),
    },
    "boat": {"sailing": ("lake", "beach")},
    "balloon": {"flying": OPEN},
    "plane": {"flying": (*OPEN, "street")},
}
COLORS = {
    **dict.fromkeys(PEOPLE, ("red", "blue", "green", "yellow", "white", "black")),
    "dog": ("brown", "black", "white"),
    "cat": ("orange", "black", "white", "gray"),
    "horse": ("brown", "black", "white"),
    "cow": ("brown", "black and white"),
    "sheep": ("white", "black"),
    "duck": ("white", "yellow", "brown"),
    "bird": ("red", "blue", "yellow"),
    "fish": ("orange", "blue", "gray"),
    "car": ("red", "blue", "yellow", "green", "white", "black"),
    "bus": ("red", "blue", "yellow", "green"),
    "truck": ("red", "blue", "yellow", "green", "orange", "white"),
    "boat": ("red", "blue", "yellow", "green", "white"),
    "balloon": ("red", "blue", "yellow", "green", "purple", "pink"),
    "plane": ("red", "blue", "yellow", "white", "orange"),
    "umbrella": ("red", "blue", "yellow", "green", "pink"),
    "kite": ("red", "yellow", "green", "purple"),
    "ball": ("red", "blue", "yellow"),
    "bicycle": ("red", "blue", "black", "green"),
    "house": ("red", "yellow", "white", "blue", "pink"),
    "flowers": ("red", "yellow", "pink", "purple", "white"),
}
# What a person uses in an action.
HELD = {
    "riding": "bicycle",
    "throwing": "ball",
    "kicking": "ball",
    "flying": "kite",
    "holding": "umbrella",
}
# What may stand beside the main thing, and the animals that may keep it company.
PARTNERS = {
    "park": ("tree", "bench", "flowers", "bush", "house"),
    "beach": ("tree", "castle", "rock"),
    "street": ("lamp", "bench", "tree"),
    "snow": ("snowman", "tree", "house"),
    "lake": ("tree", "rock", "flowers", "bench"),
    "forest": ("tree", "rock", "flowers", "bush"),
    "desert": ("cactus", "rock"),
    "farm": ("fence", "house", "hay", "tree", "flowers"),
}
# What a bicycle may lean against.
SUPPORTS = {
    "park": ("tree", "tree", "bench"),
    "beach": ("tree",),
    "street": ("lamp", "lamp", "bench"),
    "forest": ("tree",),
    "farm": ("fence", "fence", "tree"),
}
COMPANIONS = {
    "park": ("dog", "cat", "duck", "bird"),
    "beach": ("dog", "bird", "cat"),
    "street": ("dog", "cat"),
    "snow": ("dog", "sheep"),
    "lake": ("dog", "duck"),
    "forest": ("dog", "bird"),
    "desert": ("dog",),
    "farm": ("dog", "sheep", "duck", "cat"),
}

# Combinations that only the split `novel` shows; each part occurs elsewhere.
NOVEL = {
    "horse + beach": {"thing": "horse", "place": "beach"},
    "cow + snow": {"thing": "cow", "place": "snow"},
    "red + umbrella": {"thing": "umbrella", "color": "red"},
    "green + car": {"thing": "car", "color": "green"},
    "cat + jumping": {"thing": "cat", "action": "jumping"},
    "girl + riding": {"thing": "girl", "action": "riding"},
}


def novel_combination(things: list[dict], place: str) -> str | None:
    """Return the name of the novel combination that some thing shows, or None.

    Args:
        things: Dicts with the keys thing, color and action, the main thing among them.
        place: Name of the place.
    """
    for name, parts in NOVEL.items():
        for thing in things:
            present = {**thing, "place": place}
            if all(present.get(key) == value for key, value in parts.items()):
                return name
    return None
