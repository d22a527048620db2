"""What a caption says and whether it is true, checked against the known facts of its picture."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from scenes import words, world

KINDS = ("main", "action", "color", "place", "relation", "light", "weather", "thing", "count")
# An action that always goes with another one, which is then true as well.
IMPLIED = {"holding": ("standing",), "leaning": ("standing",)}


def mentioned(caption: str) -> dict[str, set[str]]:
    """Return what a caption says, as facts.

    Args:
        caption: One sentence, raw or cleaned.

    Returns:
        Dict: kind of fact -> set of canonical values; colors read "red car" or "red clothes",
        relations "near tree". Kinds that the caption does not speak of are left out.

    Taught in notebook 06.
    """
    tokens = re.sub(r"[^a-z ]", "", caption.lower()).split()
    found = []  # (kind, value, first token, token after the last)
    position = 0
    while position < len(tokens):
        kind, value, length = _longest(tokens, position)
        if kind:
            found.append((kind, value, position, position + length))
        position += max(length, 1)
    found = _told_as_used(found)
    said: dict[str, set[str]] = {}
    for index, (kind, value, _, end) in enumerate(found):
        if kind in ("main", "thing", "action", "place", "light", "weather"):
            said.setdefault(kind, set()).add(value)
        elif kind == "color":
            if index + 1 < len(found) and found[index + 1][0] in ("main", "thing", "garment"):
                noun = found[index + 1]
                if noun[2] == end:
                    name = "clothes" if noun[0] == "garment" else noun[1]
                    said.setdefault("color", set()).add(f"{value} {name}")
        elif kind == "count" and index + 1 < len(found) and found[index + 1][2] == end:
            said.setdefault("count", set()).add(f"{value} {found[index + 1][1]}")
        elif kind == "relation":
            rest = found[index + 1 :]
            noun = next((item for item in rest if item[0] not in ("color", "count")), None)
            if noun and noun[0] in ("main", "thing") and noun[2] - end <= 4:
                said.setdefault("relation", set()).add(f"{value} {noun[1]}")
    return said


def _told_as_used(found):
    """Return what was found, where a bicycle that somebody rides is no longer a main thing."""
    ridden = ("action", "riding") in [item[:2] for item in found]
    mains = [item for item in found if item[0] == "main"]
    return [
        ("thing", *item[1:])
        if item[:2] == ("main", "bicycle") and (ridden or item is not mains[0])
        else item
        for item in found
    ]


def _longest(tokens, position):
    """Return (kind, value, length) of the longest known phrase here, or (None, None, 1)."""
    table, longest = _phrases()
    for length in range(longest, 0, -1):
        entry = table.get(tuple(tokens[position : position + length]))
        if entry:
            return (*entry, length)
    return None, None, 1


@cache
def _phrases():
    """Return the table phrase -> (kind, value), and the longest phrase's number of words."""
    table = {}

    def learn(phrase, kind, value):
        table[tuple(re.sub(r"[^a-z ]", "", phrase).split())] = (kind, value)

    for relation, options in words.RELATION_PHRASES.items():
        for phrase, _ in options:
            learn(phrase, "relation", relation)
    for noun, options in words.NOUNS.items():
        kind = "main" if noun in world.MAIN_KINDS or noun == "child" else "thing"
        for singular, plural, _ in options:
            learn(singular, kind, noun)
            learn(plural, kind, noun)
    for options in words.GARMENTS.values():
        for garment, _ in options:
            learn(garment, "garment", garment)
    for color in (*words.COLOR_WORDS, "black and white"):
        learn(color, "color", color)
    for number in words.NUMBERS.values():
        learn(number, "count", number)
    verbs = [*words.VERBS.items(), *((key[1], value) for key, value in words.SPECIAL_VERBS.items())]
    for name, options in verbs:
        for third, ing, base, _, _ in options:
            for form in (third, ing, base):
                learn(form, "action", words.ACTION_OF.get(name, name))
    for kind, keys in (
        ("place", words.PLACE_KEYS),
        ("light", words.LIGHT_KEYS),
        ("weather", words.WEATHER_KEYS),
    ):
        for value, phrases in keys.items():
            for phrase in phrases:
                learn(phrase, kind, value)
    return table, max(len(phrase) for phrase in table)


def truths(facts: dict) -> dict[str, set[str]]:
    """Return every value that is true of a picture: dict kind -> set of canonical values."""
    things = [
        {"thing": facts["main"], "color": facts["color"], "action": facts["action"]},
        *facts["things"],
    ]
    names = {thing["thing"] for thing in things}
    if names & {"boy", "girl"}:
        names.add("child")
    actions = {thing["action"] for thing in things if thing["action"]}
    actions |= {other for action in actions for other in IMPLIED.get(action, ())}
    colors = {f"{t['color']} {t['thing']}" for t in facts["things"] if t["color"]}
    colors.add(_own_color(facts))
    counts: dict[str, int] = {}
    for thing in facts["things"]:
        counts[thing["thing"]] = counts.get(thing["thing"], 0) + thing["count"]
    places = {facts["place"]}
    if facts["place"] in ("lake", "beach"):
        places.add("water")
    return {
        "main": names & {*world.MAIN_KINDS, "child"},
        "thing": names - ({*world.MAIN_KINDS, "child"} - {"bicycle"})
        | ({"tree"} if facts["place"] == "forest" else set()),
        "action": actions,
        "color": colors,
        "place": places,
        "relation": set(facts["relations"]),
        "light": {facts["light"]},
        "weather": {facts["weather"]} - {"clear"},
        "count": {
            f"{words.NUMBERS[n]} {thing}" for thing, n in counts.items() if n in words.NUMBERS
        },
    }


def _own_color(facts):
    """Return the color of the main thing, as `mentioned` would name it."""
    return f"{facts['color']} {'clothes' if facts['category'] == 'person' else facts['main']}"


def expected(facts: dict) -> dict[str, set[str]]:
    """Return the values of which a caption should name one: dict kind -> set."""
    true = truths(facts)
    main = {facts["main"]} | ({"child"} if facts["main"] in ("boy", "girl") else set())
    return {**true, "main": main, "action": {facts["action"]}, "color": {_own_color(facts)}}


@dataclass(frozen=True)
class Truth:
    """What is true of every picture of the data set: dict from image to its facts.

    `scenes.facts.facts_of` says what facts are; `facts[image]["novel"]` names the combination
    that train never shows, or is None.
    """

    facts: dict[str, dict]

    def score(self, captions: dict[str, str]) -> pd.DataFrame:
        """Count how often captions are right, per kind of fact.

        Precision is the share of the values said that are true of the picture; anything that is
        in the picture is true, not only the main thing. Recall is the share of pictures whose
        caption names the fact rightly, among the pictures where at least three of the five
        reference captions name it; for main, action and color it is the fact of the main thing
        that counts.

        Args:
            captions: Dict image -> one caption.

        Returns:
            DataFrame with one row per kind: said and right (counts of values), precision, expected
            (number of pictures that recall looks at) and recall; precision and recall in percent.

        Taught in notebook 06.
        """
        rows = []
        said = {image: mentioned(caption) for image, caption in captions.items()}
        for kind in KINDS:
            total = right = asked = named = 0
            for image, found in said.items():
                values = found.get(kind, set())
                total += len(values)
                right += len(values & truths(self.facts[image])[kind])
                if self.facts[image]["named"].get(kind, 0) >= 3:
                    asked += 1
                    named += bool(values & expected(self.facts[image])[kind])
            shares = _percent(right, total), _percent(named, asked)
            rows.append((kind, total, right, shares[0], asked, shares[1]))
        columns = ["fact", "said", "right", "precision", "expected", "recall"]
        return pd.DataFrame(rows, columns=columns).set_index("fact")

    def confusion(self, captions: dict[str, str], kind: str) -> pd.DataFrame:
        """Count true against said values, for a heat map.

        Args:
            captions: Dict image -> one caption.
            kind: main or place.

        Returns:
            DataFrame of counts: one row per true value, one column per said value; the column
            "nothing" counts captions that do not name the fact. A caption that names the true
            value counts as right whatever else it names.

        Taught in notebook 06.
        """
        values = list(world.MAIN_KINDS if kind == "main" else world.PLACES)
        table = pd.DataFrame(0, index=values, columns=[*values, "nothing"])
        table.index.name, table.columns.name = "true", "said"
        for image, caption in captions.items():
            true = self.facts[image][kind]
            said = mentioned(caption).get(kind, set())
            if said & expected(self.facts[image])[kind]:
                table.loc[true, true] += 1
            else:
                wrong = sorted(said & set(values))
                table.loc[true, wrong[0] if wrong else "nothing"] += 1
        return table


def read_truth(folder: str | Path) -> Truth:
    """Read what is true of the pictures in a folder.

    Args:
        folder: A folder that `scenes.generate_scenes` wrote.

    Raises:
        FileNotFoundError: The folder holds no facts.json.

    Taught in notebook 06.
    """
    path = Path(folder) / "facts.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: only the data set scenes has known facts.")
    return Truth(json.loads(path.read_text("utf-8")))


def _percent(part, whole):
    return 100 * part / whole if whole else float("nan")
