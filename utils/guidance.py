"""Words that the CNN knows and a captioner never learned, said all the same (notebook 08).

Flickr8k is a world of dogs, children and red shirts, but the CNN that a captioner looks through
was trained to tell the thousand classes of ImageNet apart. Where it is sure of one, `guide` asks
for the everyday word: by a search that has to say it, or by a short plain caption.
"""

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.decoding import IMPOSSIBLE
from utils.vocabulary import Vocabulary

TABLE = Path(__file__).with_name("classes.csv")
# Chosen on dev of Flickr8k, which must not lose, and on 80 photographs of other sources.
SURE = 0.4  # the probability from which a word is asked for
SEEN = 0.08  # that from which a thing is told of a room
# All that may stand before an animal, which is what its picture is about and so the first noun.
BEFORE_ANIMALS = (
    "a an the one two three four several many some group pack pair couple of large big small "
    "little young baby adult huge"
)
# And before one that the captioner knows: a sibling's colors are its own.
COLORS = "brown black white gray grey tan red yellow green blue orange colorful and striped"
# What only people wear, and what captions say of dogs and of no other animal.
PEOPLE_WEAR = (
    "shirt shirts jacket hat coat pants dress jeans jersey uniform outfit shorts suit sweater vest "
    "tshirt wearing dressed glasses sunglasses helmet backpack holding his her collar"
)
DOGS_DO = (
    "mouth ball frisbee toy stick tennis bone leash muzzle jump jumping jumps leaping leaps air "
    "catch catching chase chases chasing biting run runs running fighting fetching play plays "
    "playing tug tongue race racing hurdle obstacle"
)
# Things are not ridden, and who plays ball does not ride.
RIDING = "ride rides riding ridden rider riders"


class Name(NamedTuple):
    """An everyday word for some classes of ImageNet: a row of classes.csv."""

    word: str
    plural: str  # empty if there is none: "pasta"
    also: tuple[str, ...]  # words that say as much
    # An animal is the first noun. A room is told with its furniture, which alone is not asked for.
    kind: str  # animal, vehicle, food, room, furniture, place or thing
    sibling: str  # the word whose probabilities it borrows, with its plural in s; may be empty
    plain: str  # a caption of it, if that is better than what a search finds: "a pizza on a table"
    room: str  # where furniture stands
    classes: tuple[int, ...]

    def learned(self) -> tuple[str, str]:
        """Singular and plural of the word that a captioner may have learned."""
        return (self.sibling, f"{self.sibling}s") if self.sibling else (self.word, self.plural)


class Said(NamedTuple):
    """A caption, word by word."""

    asked: str  # what the CNN asked for; empty if nothing
    words: tuple[str, ...]  # one of them may be "fire truck"
    learned: tuple[str, ...]  # for each of them the word of the vocabulary that it stands for
    log_probability: float | None = None  # of what was learned, if known

    @classmethod
    def freely(cls, caption: str, log_probability: float) -> "Said":
        """A caption for which nothing was asked."""
        words = tuple(caption.split())
        return cls("", words, words, log_probability)


@cache
def read_names() -> tuple[Name, ...]:
    """Return all everyday words of classes.csv."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Name(
                **row
                | {"also": tuple(row["also"].split()), "classes": tuple(_numbers(row["classes"]))}
            )
            for row in csv.DictReader(file)
        )


def _numbers(text):
    """Yield the numbers of "3 8-10": 3, 8, 9, 10."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def guide(
    decode: Callable[..., tuple[list, np.ndarray]],
    vocabulary: Vocabulary,
    features: np.ndarray,
    classes: np.ndarray,
    captions: list[str],
) -> dict[int, Said]:
    """Say what the CNN is sure of where captions do not.

    Args:
        decode: `(features [N, D], rules=[3, N, V])` to N captions and their log-probabilities, as
            `utils.decoding.make_decoder` makes it.
        vocabulary: That of the captioner.
        features: float32 [N, D] of the pictures.
        classes: float32 [N, 1000], the probability of every class of ImageNet.
        captions: What the captioner says of the N pictures when it is free.

    Returns:
        From numbers of pictures to their better captions. Most pictures have none: the CNN is not
        sure, the caption says it anyway, or the captioner knows neither the word nor a sibling.

    Source: Anderson et al., "Guided open vocabulary image captioning with constrained beam
    search", EMNLP 2017; classes instead of detected objects, and the kinds, are ours.
    """
    found, waiting, rules = {}, [], []
    for number, (row, caption) in enumerate(zip(classes, captions, strict=True)):
        name = _asked_for(row)
        if name is None or says(caption, name):
            continue
        if name.plain:
            plain = _plain(name, row)
            if plain and all(word in vocabulary.tokens for word in plain.learned):
                found[number] = plain
        elif any(word in vocabulary.tokens for word in name.learned()):
            waiting.append((number, name))
            rules.append(_rules(name, vocabulary))
    if waiting:
        numbers = [number for number, _ in waiting]
        said = decode(features[numbers], rules=np.stack(rules, axis=1))
        for (number, name), caption, score in zip(waiting, *said, strict=True):
            words = caption.split()
            # What is left of a search that came to no end within the rules is no caption.
            if set(words) & set(name.learned()) and score > IMPOSSIBLE / 2:
                found[number] = _renamed(words, name, float(score))
    return found


def probability_of(name: Name, row: np.ndarray) -> float:
    """Return the probability of a word, given those of the classes of ImageNet: float [1000]."""
    return row[list(name.classes)].sum()


def _asked_for(row):
    """The word for one picture, the most special of those that the CNN is sure of, or None."""
    sure = [n for n in read_names() if n.kind != "furniture" and probability_of(n, row) > SURE]
    return min(sure, key=lambda name: len(name.classes), default=None)


def says(caption: str, name: Name) -> bool:
    """Tell whether a caption says a word, its plural or one that says as much."""
    words = (name.word, name.plural, *name.also)
    return any(f" {word} " in f" {caption} " for word in words if word)


def _rules(name, vocabulary):
    """What may stand before the word, instead of it and after it: [3, V] for the search."""

    def tokens(text):
        return [vocabulary.tokens[word] for word in text.split() if word in vocabulary.tokens]

    own = tokens(" ".join(name.learned()))
    before, asked, after = rules = np.zeros((3, len(vocabulary)), np.float32)
    if name.kind == "animal":
        before[:] = after[tokens(PEOPLE_WEAR)] = IMPOSSIBLE
        before[tokens(BEFORE_ANIMALS)] = 0
        if name.sibling:
            after[tokens(DOGS_DO)] = IMPOSSIBLE
        else:
            before[tokens(COLORS)] = 0
    elif name.kind == "thing":
        before[tokens(RIDING)] = after[tokens(RIDING)] = IMPOSSIBLE
    asked[:] = IMPOSSIBLE
    asked[own] = 0
    before[own] = after[own] = IMPOSSIBLE
    return rules


def _renamed(learned, name, log_probability):
    """Put the word in its sibling's place, with the article that it takes."""
    singular, plural = name.learned()
    names = {plural: name.plural, singular: name.word}
    words = [names.get(word, word) for word in learned]
    for place, (before, after) in enumerate(zip(learned, learned[1:], strict=False)):
        if before in ("a", "an") and after in names:
            words[place] = "an" if words[place + 1][0] in "aeiou" else "a"
    return Said(name.word, tuple(words), tuple(learned), log_probability)


def _plain(name, row):
    """The plain caption of a word; of a room with what stands in it, or None if nothing does."""
    furniture = {n: probability_of(n, row) for n in read_names() if n.room == name.word}
    seen = sorted((n for n in furniture if furniture[n] > SEEN), key=furniture.get, reverse=True)
    if name.kind == "room" and not seen:
        return None
    pairs = _plain_pairs(name)
    for word, other in zip(("with", "and"), seen, strict=False):
        pairs += [(word, word), *_plain_pairs(other)]
    words, learned = zip(*pairs, strict=True)
    return Said(name.word, words, learned)


def _plain_pairs(name):
    """What is said of a name, word by word, and the words that a captioner may have learned."""
    before, _, after = name.plain.partition(name.word)
    pairs = [(word, "a" if name.sibling and word == "an" else word) for word in before.split()]
    return [*pairs, (name.word, name.learned()[0]), *((word, word) for word in after.split())]
