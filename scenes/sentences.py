"""Captions: five sentences about one picture, each by another plan, all of them true."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenes import words, world

# How often the color of a held thing is told: the larger it is, the more often.
SHOWN = {"umbrella": 0.6, "kite": 0.5, "bicycle": 0.3, "ball": 0.25}


def choose(rng: np.random.Generator, options: Sequence[tuple]) -> Any:
    """Return one of the options by weight; each is a tuple whose last item is the weight."""
    point = rng.random() * sum(option[-1] for option in options)
    for option in options:
        point -= option[-1]
        if point < 0:
            break
    return option[0] if len(option) == 2 else option[:-1]


def article(phrase: str) -> str:
    """Put a or an before a phrase."""
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def write_captions(facts: dict, rng: np.random.Generator) -> list[str]:
    """Write five captions of a picture.

    Args:
        facts: The facts of the picture.
        rng: NumPy generator.

    Returns:
        List of five different sentences of 5 to 18 words, as people type them.
    """
    captions = []
    # One caption always tells color, action and place; the others are as people please.
    plans = [_full, *(PLANS[i] for i in rng.permutation(len(PLANS)))]
    for plan in plans * 6:
        text = plan(facts, rng)
        if not text or _names_both_colors(facts, text):
            continue
        if 5 <= len(text.split()) <= 18 and text not in captions:
            captions.append(text)
        if len(captions) == 5:
            break
    return [_typed(captions[i], rng) for i in rng.permutation(len(captions))]


def _names_both_colors(facts, text):
    """Whether a sentence names the color of the clothes and that of the thing in use: few do."""
    held = next((thing for thing in facts["things"] if thing["role"] == "held"), None)
    colors = [word for word in text.split() if held and word in (facts["color"], held["color"])]
    return len(colors) > 1


def _typed(text, rng):
    """Return the sentence with the capitals and the end mark of one writer or another."""
    style = rng.random()
    if style < 0.82:
        return text[0].upper() + text[1:] + "."
    if style < 0.92:
        return text[0].upper() + text[1:] + " ."
    if style < 0.97:
        return text
    return text[0].upper() + text[1:] + "!"


def _noun(facts, rng):
    kind = facts["main"]
    if kind in ("boy", "girl") and rng.random() < 0.1:
        kind = "child"
    singular, _ = choose(rng, words.NOUNS[kind])
    return singular


def _subject(facts, rng, color):
    """Return the main thing as a noun phrase, with its color if asked for."""
    noun, category = _noun(facts, rng), facts["category"]
    adjective = ""
    if rng.random() < 0.16:
        table = {"animal": words.ANIMAL_ADJECTIVES, "vehicle": words.VEHICLE_ADJECTIVES}.get(
            category,
            words.CHILD_ADJECTIVES if facts["main"] in ("boy", "girl") else words.PEOPLE_ADJECTIVES,
        )
        if facts["color"] == "black":
            table = [option for option in table if option[0] != "bright"]
        adjective = choose(rng, table) + " "
    if not color:
        return article(adjective + noun)
    if category == "person":
        garment = choose(rng, words.GARMENTS[facts["garment"]])
        wearing = choose(rng, [("in", 6), ("wearing", 3), ("with", 1)])
        return f"{article(adjective + noun)} {wearing} {article(facts['color'] + ' ' + garment)}"
    return article(f"{adjective}{facts['color']} {noun}")


def _thing(facts, rng, name, color=0.35):
    """Return another thing of the picture as a noun phrase."""
    item = next(thing for thing in facts["things"] if thing["thing"] == name)
    singular, plural = choose(rng, words.NOUNS[name])
    shade = f"{item['color']} " if item["color"] and rng.random() < color else ""
    if name == "flowers":
        return f"{choose(rng, [('some ', 5), ('', 1), ('a few ', 1)])}{shade}{plural}"
    if not shade and name in ("tree", "house") and rng.random() < 0.3:
        shade = choose(rng, [("big", 2), ("tall", 1)]) + " " if name == "tree" else "small "
    return article(shade + singular)


def _verb(facts, rng):
    """Return the action in its three forms and what follows it."""
    action, kind, category = facts["action"], facts["main"], facts["category"]
    table = action
    if action == "flying":
        table = {"person": "kite"}.get(category, "floating" if kind == "balloon" else "flying")
    elif kind == "bicycle" and (action == "standing" or rng.random() < 0.35):
        table = "parked"
    options = list(words.VERBS[table])
    for key in ((kind, action), (category, action)):
        options += words.SPECIAL_VERBS.get(key, [])
    if action == "sitting" and (facts["relation"] or [""])[0] == "on":
        options = [option for option in options if option[3] != "down"]
    third, ing, _, rest = choose(rng, options)
    if rest == "{held}":
        rest = _thing(facts, rng, world.HELD[action], SHOWN[world.HELD[action]])
    elif rest == "{support}":
        rest = f"against {_thing(facts, rng, facts['relation'][1])}"
    elif not rest and action in words.ADVERBS and kind != "bicycle" and rng.random() < 0.12:
        rest = choose(rng, words.ADVERBS[action])
    return third, ing, (" " + rest if rest else "")


def _where(facts, rng, moving=True):
    """Return the place as a phrase that fits the action, or only says where the thing is."""
    place, action = facts["place"], facts["action"]
    if action == "flying" and facts["category"] != "person":
        return choose(rng, words.AIR_PHRASES[place])
    table = words.PLACE_PHRASES[place]
    if facts["main"] == "fish":
        options = table["in"]
    elif action in ("sailing", "swimming"):
        options = [item for item in table["water"] if moving or "across" not in item[0]]
        if action == "swimming":
            options = [*options, ("in the water", 3)]
    elif action == "driving" and moving:
        options = table["along"]
    elif action == "driving" and place == "street":
        options = [("on the street", 6), ("in the city", 4), ("on a city street", 3)]
    elif action in ("walking", "running", "riding") and moving:
        options = [*table["at"], *table["along"]]
    else:
        options = table["at"]
    return choose(rng, options)


def _when(facts, rng):
    """Return a phrase about light or weather."""
    options = []
    if facts["light"] != "day":
        options += [(phrase, 4 * w) for phrase, w in words.LIGHT_PHRASES[facts["light"]]]
        if facts["weather"] == "rainy" or facts["place"] == "forest":
            hidden = ("star", "sky", "moon")
            options = [item for item in options if not any(word in item[0] for word in hidden)]
    elif facts["weather"] not in ("sunny", "cloudy", "rainy", "snowy"):
        options += words.LIGHT_PHRASES["day"]
    else:
        options += [(phrase, 0.4 * w) for phrase, w in words.LIGHT_PHRASES["day"]]
    for phrase, weight in words.WEATHER_PHRASES.get(facts["weather"], []):
        if facts["light"] == "day" or "day" not in phrase:
            options.append((phrase, 2 * weight))
    return choose(rng, options)


def _relation(facts, rng):
    """Return the relation to the partner as a phrase, or None."""
    if not facts["relation"]:
        return None
    relation, other = facts["relation"]
    if facts["action"] in ("throwing", "kicking") and f"near {other}" in facts["relations"]:
        relation = "near"  # "throws a ball to the right of" would say where the ball goes
    options = [relation]
    if (
        relation != "near"
        and f"near {other}" in facts["relations"]
        and relation not in ("on", "over")
    ):
        options.append("near")
    relation = options[int(rng.integers(len(options)))]
    return f"{choose(rng, words.RELATION_PHRASES[relation])} {_thing(facts, rng, other)}"


def _color_now(rng):
    return rng.random() < 0.62


def _full(facts, rng):
    """Color, action and place."""
    _, ing, rest = _verb(facts, rng)
    verb = choose(rng, [("is " + ing, 2), (ing, 1)])
    return f"{_subject(facts, rng, True)} {verb}{rest} {_where(facts, rng)}"


def _action_place(facts, rng):
    third, ing, rest = _verb(facts, rng)
    verb = choose(rng, [("is " + ing, 3), (third, 3), (ing, 2)])
    return f"{_subject(facts, rng, _color_now(rng))} {verb}{rest} {_where(facts, rng)}"


def _there_is(facts, rng):
    _, ing, rest = _verb(facts, rng)
    start = choose(
        rng,
        [
            ("there is", 6),
            ("we can see", 1),
            ("i see", 1),
            ("here is", 1),
            ("the picture shows", 1),
        ],
    )
    return f"{start} {_subject(facts, rng, _color_now(rng))} {ing}{rest} {_where(facts, rng)}"


def _place_first(facts, rng):
    third, ing, rest = _verb(facts, rng)
    verb = choose(rng, [("is " + ing, 3), (third, 2)])
    return f"{_where(facts, rng)}, {_subject(facts, rng, _color_now(rng))} {verb}{rest}"


def _time_first(facts, rng):
    third, ing, rest = _verb(facts, rng)
    verb = choose(rng, [("is " + ing, 2), (third, 3)])
    where = f" {_where(facts, rng)}" if rng.random() < 0.5 else ""
    return f"{_when(facts, rng)}, {_subject(facts, rng, _color_now(rng))} {verb}{rest}{where}"


def _time_last(facts, rng):
    third, ing, rest = _verb(facts, rng)
    verb = choose(rng, [("is " + ing, 3), (third, 3), (ing, 2)])
    return f"{_subject(facts, rng, _color_now(rng))} {verb}{rest} {_when(facts, rng)}"


def _place_time(facts, rng):
    where, when = _where(facts, rng, moving=False), _when(facts, rng)
    start = choose(
        rng,
        [
            ("a picture of ", 2),
            ("", 6),
            ("a drawing of ", 1),
            ("this is ", 2),
            ("an illustration of ", 0.4),
            ("a view of ", 0.3),
        ],
    )
    return f"{start}{_subject(facts, rng, _color_now(rng))} {where} {when}"


def _while(facts, rng):
    """Light or weather in a clause of its own, then the action."""
    known = facts["light"] if facts["light"] != "day" else facts["weather"]
    options = words.CLAUSES.get(known)
    if options is None:
        return None
    # Neither rain nor trees let the moon through.
    hidden = facts["weather"] == "rainy" or facts["place"] == "forest"
    options = [
        option
        for option in options
        if not (hidden and ("moon" in option[0] or "stars" in option[0]))
    ]
    third, ing, rest = _verb(facts, rng)
    verb = choose(rng, [("is " + ing, 2), (third, 2)])
    return f"{choose(rng, options)} {_subject(facts, rng, _color_now(rng))} {verb}{rest}"


def _everything(facts, rng):
    _, ing, rest = _verb(facts, rng)
    subject, where = _subject(facts, rng, True), _where(facts, rng)
    return f"{subject} is {ing}{rest} {where} {_when(facts, rng)}"


def _related(facts, rng):
    relation = _relation(facts, rng)
    if relation is None:
        return None
    third, ing, rest = _verb(facts, rng)
    verb = choose(rng, [("is " + ing, 4), (third, 2), (ing, 3)])
    if "against" in rest:  # "leans against a tree" has told it already
        rest, relation = "", rest.strip()
    return f"{_subject(facts, rng, _color_now(rng))} {verb}{rest} {relation}"


def _related_place(facts, rng):
    relation = _relation(facts, rng)
    if relation is None or facts["relation"][0] in ("on", "over"):
        return None
    verb = choose(rng, [(" is", 4), ("", 3)])
    subject = _subject(facts, rng, _color_now(rng))
    return f"{subject}{verb} {relation} {_where(facts, rng, moving=False)}"


def _company(facts, rng):
    """The main thing and the animal that keeps it company."""
    companion = next((t for t in facts["things"] if t["role"] == "companion"), None)
    if companion is None:
        return None
    other = _thing(facts, rng, companion["thing"])
    subject = _subject(facts, rng, rng.random() < 0.4)
    link = choose(rng, [("are ", 2), ("", 1), ("together ", 1)])
    return f"{subject} and {other} {link}{_where(facts, rng, moving=False)}"


def _held_with(facts, rng):
    """The main thing with what it uses."""
    held = next((t for t in facts["things"] if t["role"] == "held"), None)
    if held is None:
        return None
    relation = "on" if held["thing"] == "bicycle" else "with"
    if held["thing"] == "umbrella" and rng.random() < 0.4:
        relation = "under"
    subject, use = (
        _subject(facts, rng, rng.random() < 0.4),
        _thing(facts, rng, held["thing"], SHOWN[held["thing"]]),
    )
    return f"{subject} {relation} {use} {_where(facts, rng, moving=False)}"


def _counted(facts, rng):
    """The main thing and how many trees or cacti stand behind it."""
    groups = [t for t in facts["things"] if t["role"] == "decor"]
    alone = groups and not any(
        t["thing"] == groups[0]["thing"] and t["role"] != "decor" for t in facts["things"]
    )
    if not alone or groups[0]["count"] not in words.NUMBERS:
        return None
    _, plural = choose(rng, words.NOUNS[groups[0]["thing"]])
    number = words.NUMBERS[groups[0]["count"]]
    behind = choose(rng, [("in the background", 3), ("in the distance", 1), ("behind", 0.5)])
    if facts["main"] in ("boat", "fish"):  # from the water, the trees are on this side
        behind = "on the shore"
    subject, where = _subject(facts, rng, rng.random() < 0.4), _where(facts, rng, moving=False)
    return f"{subject} {where} with {number} {plural} {behind}"


def _plain(facts, rng):
    """Only the main thing and what it does."""
    third, ing, rest = _verb(facts, rng)
    if facts["main"] == "bicycle" and not rest:
        return None  # "this is a bike standing" says too little
    start = choose(rng, [("this is ", 2), ("look at ", 0.5), ("a drawing of ", 1)])
    return f"{start}{_subject(facts, rng, rng.random() < 0.5)} {ing}{rest}"


PLANS = (
    _action_place, _action_place, _there_is, _place_first, _time_first, _time_last, _place_time,
    _while, _everything, _related, _related, _related_place, _company, _held_with, _plain,
    _counted,
)  # fmt: skip
