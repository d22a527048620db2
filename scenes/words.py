"""The words of the captions: one table per kind of fact, read by the writer and by the parser.

Every entry is (wording, weight): the weight says how often people choose it. A wording that stands
under one canonical value never stands under another of the same kind.
"""

# Nouns: (singular, plural, weight).
NOUNS = {
    "man": [
        ("man", "men", 9),
        ("guy", "guys", 1),
        ("gentleman", "gentlemen", 0.5),
        ("fellow", "fellows", 0.3),
    ],
    "woman": [("woman", "women", 9), ("lady", "ladies", 2)],
    "boy": [("boy", "boys", 9), ("lad", "lads", 0.5)],
    "girl": [("girl", "girls", 9)],
    "child": [("child", "children", 2), ("kid", "kids", 2)],
    "dog": [("dog", "dogs", 9), ("puppy", "puppies", 2)],
    "cat": [("cat", "cats", 9), ("kitty", "kitties", 1)],
    "horse": [("horse", "horses", 9), ("pony", "ponies", 1.5)],
    "cow": [("cow", "cows", 9)],
    "sheep": [("sheep", "sheep", 9)],
    "duck": [("duck", "ducks", 9)],
    "bird": [("bird", "birds", 9), ("songbird", "songbirds", 0.4)],
    "fish": [("fish", "fish", 9)],
    "car": [("car", "cars", 9), ("automobile", "automobiles", 0.6)],
    "bus": [("bus", "buses", 9), ("coach", "coaches", 0.5)],
    "truck": [("truck", "trucks", 9), ("lorry", "lorries", 1)],
    "boat": [("boat", "boats", 7), ("sailboat", "sailboats", 3)],
    "balloon": [("hot air balloon", "hot air balloons", 5), ("balloon", "balloons", 5)],
    "plane": [
        ("plane", "planes", 6),
        ("airplane", "airplanes", 4),
        ("aircraft", "aircraft", 0.6),
        ("jet", "jets", 0.5),
    ],
    "bicycle": [("bicycle", "bicycles", 5), ("bike", "bikes", 5)],
    "ball": [("ball", "balls", 9)],
    "kite": [("kite", "kites", 9)],
    "umbrella": [("umbrella", "umbrellas", 9), ("parasol", "parasols", 0.4)],
    "tree": [("tree", "trees", 9)],
    "bench": [("bench", "benches", 9)],
    "house": [("house", "houses", 8), ("cottage", "cottages", 1.5)],
    "fence": [("fence", "fences", 9)],
    "flowers": [("flower", "flowers", 8), ("blossom", "blossoms", 1)],
    "bush": [("bush", "bushes", 8), ("shrub", "shrubs", 1)],
    "rock": [("rock", "rocks", 7), ("stone", "stones", 2), ("boulder", "boulders", 1)],
    "cactus": [("cactus", "cacti", 9)],
    "snowman": [("snowman", "snowmen", 9)],
    "lamp": [("street lamp", "street lamps", 5), ("lamp post", "lamp posts", 3)],
    "hay": [("hay bale", "hay bales", 6), ("bale of hay", "bales of hay", 2)],
    "castle": [("sandcastle", "sandcastles", 9)],
}
# The garment that has the color of a person.
GARMENTS = {
    "shirt": [("shirt", 8), ("t-shirt", 2), ("top", 1)],
    "dress": [("dress", 9), ("summer dress", 0.7)],
}
COLOR_WORDS = (
    "red", "blue", "green", "yellow", "orange", "purple", "pink", "white", "black", "brown", "gray",
)  # fmt: skip
NUMBERS = {2: "two", 3: "three", 4: "four"}

# Verbs: (he ..s, is ..ing, base, rest, weight); {held} is the thing in use, {support} what a
# bicycle leans against; verbs of only some kinds follow below.
VERBS = {
    "standing": [
        ("stands", "standing", "stand", "", 6), ("stands", "standing", "stand", "still", 2),
        ("waits", "waiting", "wait", "", 1),
    ],
    "parked": [
        ("is parked", "parked", "parked", "", 6), ("stands", "standing", "stand", "", 4),
    ],
    "leaning": [
        ("leans", "leaning", "lean", "{support}", 8),
        ("is propped", "propped", "propped", "{support}", 1),
    ],
    "walking": [
        ("walks", "walking", "walk", "", 8), ("strolls", "strolling", "stroll", "", 2),
        ("wanders", "wandering", "wander", "", 1), ("marches", "marching", "march", "", 0.4),
    ],
    "running": [
        ("runs", "running", "run", "", 8), ("races", "racing", "race", "", 2),
        ("sprints", "sprinting", "sprint", "", 1.5), ("dashes", "dashing", "dash", "", 0.8),
        ("rushes", "rushing", "rush", "", 0.4),
        ("hurries", "hurrying", "hurry", "", 0.4),
    ],
    "jumping": [
        ("jumps", "jumping", "jump", "", 5), ("leaps", "leaping", "leap", "", 2),
        ("jumps", "jumping", "jump", "high", 2), ("leaps", "leaping", "leap", "into the air", 1.5),
        ("springs", "springing", "spring", "into the air", 0.4),
    ],
    "sitting": [
        ("sits", "sitting", "sit", "", 9), ("sits", "sitting", "sit", "down", 1),
        ("takes", "taking", "take", "a seat", 0.4), ("takes", "taking", "take", "a break", 0.4),
    ],
    "riding": [
        ("rides", "riding", "ride", "{held}", 9), ("pedals", "pedaling", "pedal", "{held}", 1),
        ("cycles", "cycling", "cycle", "", 1),
    ],
    "throwing": [
        ("throws", "throwing", "throw", "{held}", 7), ("tosses", "tossing", "toss", "{held}", 2),
    ],
    "kicking": [
        ("kicks", "kicking", "kick", "{held}", 8),
    ],
    "kite": [("flies", "flying", "fly", "{held}", 9)],
    "holding": [
        ("holds", "holding", "hold", "{held}", 7), ("carries", "carrying", "carry", "{held}", 3),
    ],
    "lying": [
        ("lies", "lying", "lie", "", 5), ("lies", "lying", "lie", "down", 2),
        ("rests", "resting", "rest", "", 3), ("relaxes", "relaxing", "relax", "", 1),
        ("stretches", "stretching", "stretch", "out", 0.5),
    ],
    "eating": [
        ("eats", "eating", "eat", "grass", 5), ("grazes", "grazing", "graze", "", 4),
        ("nibbles", "nibbling", "nibble", "at the grass", 0.7),
        ("munches", "munching", "munch", "fresh grass", 0.5),
    ],
    "swimming": [
        ("swims", "swimming", "swim", "", 8), ("paddles", "paddling", "paddle", "", 2),
    ],
    "flying": [
        ("flies", "flying", "fly", "", 8), ("soars", "soaring", "soar", "", 1.5),
        ("glides", "gliding", "glide", "", 1),
    ],
    "floating": [
        ("floats", "floating", "float", "", 5), ("flies", "flying", "fly", "", 5),
        ("drifts", "drifting", "drift", "", 2), ("hovers", "hovering", "hover", "", 0.6),
    ],
    "sailing": [("sails", "sailing", "sail", "", 9), ("cruises", "cruising", "cruise", "", 1)],
    "driving": [
        ("drives", "driving", "drive", "", 8), ("travels", "traveling", "travel", "", 2),
        ("rolls", "rolling", "roll", "", 1), ("moves", "moving", "move", "", 0.5),
    ],
}  # fmt: skip
# Verbs that only some kinds may have beside the general ones.
SPECIAL_VERBS = {
    ("horse", "running"): [("gallops", "galloping", "gallop", "", 5)],
    ("person", "running"): [("jogs", "jogging", "jog", "", 2)],
    ("person", "standing"): [("poses", "posing", "pose", "", 1)],
    ("duck", "walking"): [("waddles", "waddling", "waddle", "", 6)],
    ("bird", "sitting"): [("perches", "perching", "perch", "", 3)],
    ("fish", "jumping"): [
        ("jumps", "jumping", "jump", "out of the water", 6),
        ("leaps", "leaping", "leap", "out of the water", 5),
        ("splashes", "splashing", "splash", "", 2),
    ],
    ("boy", "jumping"): [("hops", "hopping", "hop", "", 1)],
    ("girl", "jumping"): [("hops", "hopping", "hop", "", 1)],
}
# A verb table entry that is not itself the name of the action it tells of.
ACTION_OF = {"kite": "flying", "floating": "flying", "parked": "standing"}

# Where: wordings for things on the ground, for those on the move, and for all.
PLACE_PHRASES = {
    "park": {
        "at": [("in the park", 7), ("in a park", 4), ("at the park", 3), ("in a quiet park", 1),
               ("in the lovely park", 0.3), ("on a lawn in the park", 0.3),
        ("at a public park", 0.2)],
        "along": [("through the park", 5), ("across the park", 2)],
    },
    "beach": {
        "at": [("on the beach", 7), ("at the beach", 4), ("on a sandy beach", 2), ("by the sea", 2),
               ("near the ocean", 1), ("at the seaside", 0.7), ("on the coast", 0.4),
               ("on a quiet beach", 0.4)],
        "along": [("along the beach", 5), ("across the beach", 1)],
        "water": [("on the sea", 5), ("near the beach", 3), ("on the ocean", 2),
        ("on the water", 2),
                  ("off the beach", 1)],
        "in": [("in the sea", 6), ("near the beach", 3), ("in the ocean", 2), ("off the beach", 1),
               ("at the seaside", 0.5)],
    },
    "street": {
        "at": [("on the street", 6), ("in the city", 4), ("in town", 2), ("on a city street", 3),
               ("on the sidewalk", 2), ("on a quiet street", 0.5), ("on the pavement", 0.4),
               ("in a small town", 0.4)],
        "along": [("down the street", 6), ("along the street", 3), ("through the city", 2),
                  ("through town", 1)],
    },
    "snow": {
        "at": [("in the snow", 8), ("on a snowy hill", 4), ("on the snowy hillside", 1),
               ("in the snowy mountains", 2), ("in the deep snow", 0.6), ("in the cold snow", 0.4)],
        "along": [("through the snow", 6), ("across the snow", 2), ("over a snowy hill", 1)],
    },
    "lake": {
        "at": [("by the lake", 6), ("near the lake", 3), ("next to a lake", 2),
        ("beside the lake", 2),
               ("by the water", 2), ("at the lake", 3), ("by the calm lake", 0.5),
               ("on the shore of the lake", 0.5), ("beside a peaceful lake", 0.3)],
        "along": [("along the lake", 3)],
        "water": [("on the lake", 7), ("in the lake", 1), ("across the lake", 2),
                  ("on the water", 3)],
        "in": [("in the lake", 7), ("at the lake", 2), ("in a lake", 2), ("in the calm lake", 0.5)],
    },
    "forest": {
        "at": [("in the forest", 7), ("in the woods", 5), ("in a green forest", 1),
               ("among the trees", 2), ("deep in the forest", 0.5), ("in the quiet woods", 0.4)],
        "along": [("through the forest", 5), ("through the woods", 4), ("between the trees", 1)],
    },
    "desert": {
        "at": [("in the desert", 8), ("in a dry desert", 2), ("in the hot desert", 1),
               ("among the dunes", 1), ("in the wide desert", 0.5),
               ("in the middle of the desert", 0.4)],
        "along": [("through the desert", 5), ("across the desert", 4), ("over the dunes", 0.6)],
    },
    "farm": {
        "at": [("on the farm", 6), ("on a farm", 5), ("at the farm", 2),
        ("in a field on the farm", 2),
               ("in the countryside", 2), ("in a field", 3), ("on an old farm", 0.4),
               ("in a pasture on the farm", 0.4), ("in a grassy field", 0.5)],
        "along": [("across the farm", 3), ("through the countryside", 3), ("across a field", 3)],
    },
}  # fmt: skip
AIR_PHRASES = {
    "park": [("over the park", 6), ("above the park", 3)],
    "beach": [
        ("over the beach", 5),
        ("over the sea", 3),
        ("above the beach", 2),
        ("above the ocean", 1),
    ],
    "street": [("over the city", 5), ("above the street", 3), ("above the town", 2)],
    "snow": [("over the snow", 4), ("above the snowy mountains", 3), ("over a snowy hill", 2)],
    "lake": [("over the lake", 6), ("above the lake", 3), ("above the water", 2)],
    "forest": [("through the forest", 5), ("through the woods", 3), ("among the trees", 2)],
    "desert": [("over the desert", 6), ("above the desert", 3), ("above the dunes", 1)],
    "farm": [("over the farm", 5), ("above the fields", 2), ("over the countryside", 3)],
}
# How the parser knows a place: any of these word sequences.
PLACE_KEYS = {
    "park": ["park"],
    "beach": ["beach", "sea", "ocean", "seaside", "coast"],
    "street": ["street", "city", "town", "sidewalk", "pavement"],
    "snow": ["snow", "snowy hill", "snowy hillside", "snowy mountains"],
    "lake": ["lake"],
    "forest": ["forest", "woods", "among the trees", "between the trees"],
    "desert": ["desert", "dunes"],
    "farm": ["farm", "countryside", "field", "fields"],
    "water": ["water"],
}

LIGHT_PHRASES = {
    "day": [("during the day", 3), ("in the daytime", 1), ("in daylight", 1)],
    "sunset": [("at sunset", 7), ("in the evening", 4), ("as the sun sets", 2),
    ("during sunset", 2),
               ("at dusk", 1), ("under an orange sky", 0.7), ("in the late evening", 0.4)],
    "night": [("at night", 8), ("in the dark", 2), ("late at night", 1), ("on a dark night", 1),
              ("under the stars", 2), ("under the night sky", 1), ("in the moonlight", 0.7)],
}  # fmt: skip
WEATHER_PHRASES = {
    "sunny": [("on a sunny day", 6), ("in the sunshine", 3), ("in bright sunshine", 1),
        ("in the warm sunshine", 0.5),
    ("under the sun", 1)],
    "cloudy": [("on a cloudy day", 5), ("under a cloudy sky", 3), ("under the clouds", 1),
        ("on a gray day", 0.5)],
    "rainy": [("in the rain", 7), ("on a rainy day", 4), ("while it is raining", 2),
    ("in the pouring rain", 0.7),
              ("in heavy rain", 0.5), ("on a wet day", 0.4)],
    "snowy": [("while it is snowing", 3), ("as snow is falling", 2), ("in the falling snow", 1),
              ("on a snowy day", 2)],
}  # fmt: skip
# Whole clauses about light and weather, to which the rest of the sentence is joined.
CLAUSES = {
    "sunset": [("the sun is setting while", 3), ("the sun goes down as", 1)],
    "night": [("it is night and", 3), ("the moon shines as", 2), ("the stars shine while", 0.7)],
    "sunny": [("the sun shines while", 3), ("the sun shines as", 1)],
    "cloudy": [("the sky is cloudy and", 1), ("there are clouds in the sky and", 1)],
    "rainy": [
        ("it is raining while", 3),
        ("rain is falling as", 1),
        ("a gentle rain falls and", 0.4),
    ],
    "snowy": [
        ("it is snowing while", 3),
        ("snow is falling as", 1),
        ("snowflakes are falling as", 0.5),
    ],
}
WEATHER_KEYS = {
    "sunny": ["sunny", "sunshine", "under the sun", "sun shines"],
    "cloudy": ["cloudy", "clouds", "gray day"],
    "rainy": ["rain", "rainy", "raining", "wet day"],
    "snowy": ["snowing", "snow is falling", "falling snow", "snowy day", "snowflakes"],
}
LIGHT_KEYS = {
    "day": ["day", "daytime", "daylight"],
    "sunset": [
        "sunset",
        "evening",
        "sun sets",
        "sun is setting",
        "sun goes down",
        "dusk",
        "orange sky",
    ],
    "night": ["night", "dark", "under the stars", "moon", "moonlight", "stars shine"],
}
RELATION_PHRASES = {
    "left of": [("to the left of", 5), ("left of", 1), ("on the left of", 1)],
    "right of": [("to the right of", 5), ("right of", 1), ("on the right of", 1)],
    "near": [
        ("next to", 6),
        ("beside", 3),
        ("near", 4),
        ("close to", 1),
        ("by", 1),
        ("not far from", 0.5),
    ],
    "in front of": [("in front of", 9)],
    "against": [("against", 9)],
    "on": [("on", 9)],
    "over": [("over", 9)],
    "under": [("under", 9), ("beneath", 1)],
    "with": [("with", 9)],
}
PEOPLE_ADJECTIVES = [("young", 4), ("smiling", 3), ("happy", 3), ("cheerful", 1), ("friendly", 0.5)]
CHILD_ADJECTIVES = [("little", 5), ("young", 4), ("small", 2), ("smiling", 2), ("happy", 2)]
ANIMAL_ADJECTIVES = [
    ("cute", 3), ("lovely", 1), ("pretty", 1), ("friendly", 1), ("beautiful", 1),
]  # fmt: skip
VEHICLE_ADJECTIVES = [("shiny", 2), ("bright", 2), ("nice", 1), ("beautiful", 0.7)]
ADVERBS = {
    "running": [("fast", 4), ("quickly", 3), ("happily", 1)],
    "walking": [("slowly", 2), ("quietly", 1), ("calmly", 1)],
    "standing": [("quietly", 2), ("calmly", 1)],
    "jumping": [("happily", 2), ("joyfully", 0.6)],
    "sitting": [("quietly", 3), ("peacefully", 1)],
    "lying": [("peacefully", 2), ("quietly", 2), ("lazily", 1)],
    "swimming": [("slowly", 1), ("peacefully", 1), ("gracefully", 0.5)],
    "flying": [("high", 2), ("gracefully", 0.5), ("silently", 0.5)],
    "sailing": [("slowly", 2), ("peacefully", 1), ("smoothly", 0.5)],
    "driving": [("slowly", 2), ("fast", 1), ("steadily", 0.5)],
    "riding": [("happily", 1), ("fast", 1)],
    "eating": [("quietly", 1), ("peacefully", 1)],
}
