"""How sure a captioner may be that a picture shows what it says: a calibrated probability.

A caption's own probability tells how well it fits the sentences that were learned, and a captioner
may be sure and wrong. `confidence_of` weighs what speaks for the **main noun**, the first noun,
which is what the picture is said to be about: of captions with a confidence of 0.7, seven in ten
name something that people also named. The weights come from captions of which that is known
(`benchmarks/confidence.py`) and stand in the captioner's manifest.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from utils.decoding import FUNCTION_WORDS, word_probabilities
from utils.guidance import COLORS, Said, probability_of, read_names, says
from utils.vocabulary import Vocabulary

# What stands before a noun: little words, numbers and the like, and looks, some of them nouns too.
DETERMINERS = (
    "this these those it he she they one two three four five six seven eight nine ten some several "
    "many few both other another each all more very"
)
LOOKS = (
    f"{COLORS} pink purple beige golden silver dark light bright pale multicolored big large huge "
    "giant small little tiny tall short long thin skinny fat chubby young old older elderly "
    "teenage wet dirty muddy sandy snowy shaggy fluffy furry hairy curly fuzzy bald barefoot lone "
    "single male female asian african american german blond blonde beautiful happy cute busy empty "
    "full wooden metal stone brick plastic"
)
ENDINGS = ("ing", "ed", "less")  # of looks that no list holds: smiling, bearded, shirtless
IRREGULAR = {"children": "child", "people": "person", "mice": "mouse"}
# Kinds of things that captions of Flickr8k leave out, and tell of people or dogs instead.
OVERLOOKED = ("room", "furniture", "food", "vehicle")
STEPS = 30  # of Newton's method; it needs about eight
LEAST = 1e-9  # a probability that is as good as none, but has a logarithm
PULL = 1.0  # towards weights of zero, as strong as a few pictures: for a column that says nothing


class Evidence(NamedTuple):
    """What speaks for and against the main noun of a caption."""

    asked: float  # 1 if the CNN had it said (`utils.guidance`), else 0
    named: float  # the probability that the CNN gives to it; 0 if it knows no such thing
    # The log-probability of the noun right after "a" or "two", where no look gives it away, as
    # "a black and white" does "dog". 0 if it was asked for: it stands in another's place.
    likely: float
    # The probability that the CNN gives to what the caption leaves out of `OVERLOOKED`; 0 if asked.
    unsaid: float


WEIGHTS = ("constant", *Evidence._fields)


class Candidate(NamedTuple):
    """A caption that the search found."""

    caption: str
    log_probability: float  # nats, that of the end included; without it if the caption broke off
    # Each word with its probability after the words before it, "<end>" last; empty if not asked.
    # They multiply to exp(log_probability), but for the end of a caption that broke off.
    words: tuple[tuple[str, float], ...]
    asked: str = ""  # the word for whose sake the CNN had it said (`utils.guidance`)
    # Words of the vocabulary, of which each lent its probabilities to the word that was said.
    learned: tuple[str, ...] = ()
    # The probability that people name the caption's main noun, too; None if nobody calibrated it.
    confidence: float | None = None
    unsure: bool = False  # whether that is too little to say it without a mark
    evidence: Evidence | None = None  # that the confidence comes from


@dataclass(frozen=True)
class Calibration:
    """What makes a confidence of evidence, as it stands in a captioner's manifest."""

    weights: dict[str, float]  # by their names, `WEIGHTS`
    unsure_below: float  # a caption with less confidence is marked

    @classmethod
    def read(cls, manifest: dict[str, Any]) -> "Calibration | None":
        """Return that of a captioner, or None if nobody calibrated it.

        Raises:
            ValueError, KeyError, TypeError: What the manifest says is none.
        """
        if "confidence" not in manifest:
            return None
        weights = {name: float(manifest["confidence"]["weights"][name]) for name in WEIGHTS}
        return cls(weights, float(manifest["confidence"]["unsure_below"]))


def main_noun(words: Sequence[str]) -> int | None:
    """Find the first noun of an English caption; return its place, None if there is none.

    Of "a group of people" and "a plate of food" that is what follows: people, food. Nouns are told
    from what stands before them by short lists and three endings, so of "a soccer player" it is
    "soccer", and a look that nobody listed is taken for a noun.
    """
    functions, looks = set(FUNCTION_WORDS.split()), set(LOOKS.split())
    skipped = functions.union(DETERMINERS.split())
    for place, word in enumerate(words):
        after = words[place + 1] if place + 1 < len(words) else ""
        if word in skipped or after == "of":
            continue
        # "an orange on a table", "a building": nothing follows that it could be the look of.
        alone = place > 0 and after != "and" and (not after or after in functions)
        if alone or word not in looks and not word.endswith(ENDINGS):
            return place
    return None


@cache
def without_number(noun: str) -> str:
    """Return what "dog" and "dogs" have in common; not always a word: "cooky"."""
    if noun in _singulars():
        return _singulars()[noun]
    if noun.endswith("men"):
        return f"{noun[:-2]}an"
    if noun.endswith(("sses", "xes", "ches", "shes")):
        return noun[:-2]
    if noun.endswith("s") and not noun.endswith(("ss", "us", "is")):
        noun = noun[:-1]
    return f"{noun[:-2]}y" if noun.endswith("ie") else noun


@cache
def _singulars():
    return IRREGULAR | {name.plural: name.word for name in read_names() if name.plural}


def is_named(noun: str, references: Sequence[str]) -> bool:
    """Tell whether a noun stands in one of some cleaned references, in singular or plural.

    Of a "cup of coffee" it is the coffee that must.
    """
    wanted = _key(without_number(noun).split(" of ")[-1])
    return any(f" {wanted} " in f" {_key(text)} " for text in references)


def _key(text):
    return " ".join(map(without_number, text.split()))


def gather_evidence(
    models: list,
    vocabulary: Vocabulary,
    features: np.ndarray,
    classes: np.ndarray | None,
    said: Sequence[tuple[int, Said]],
) -> list[Evidence | None]:
    """Gather what speaks for the main nouns of captions.

    Args:
        models: The merge models of the captioner.
        vocabulary: Theirs.
        features: float32 [P, D] of the pictures.
        classes: float32 [P, 1000], the probability of every class of ImageNet, or None if the CNN
            has no classifier.
        said: N captions, each with the row of its picture.

    Returns:
        The evidence of each; None for a caption without a noun.
    """
    if classes is None:
        classes = np.zeros((len(features), 1000), np.float32)
    found: dict[int, Evidence] = {}
    free = []  # captions whose main noun nobody asked for: which, of which picture, and the noun
    for number, (row, each) in enumerate(said):
        if (place := main_noun(each.words)) is None:
            continue
        named, unsaid = _seen(each, place, classes[row])
        if _asked_for(each, place):
            found[number] = Evidence(1.0, named, 0.0, 0.0)
        else:
            found[number] = Evidence(0.0, named, 0.0, unsaid)
            free.append((number, row, each.learned[place]))
    likely = _likely(models, vocabulary, features, [(row, noun) for _, row, noun in free])
    for (number, *_), value in zip(free, likely, strict=True):
        found[number] = found[number]._replace(likely=value)
    return [found.get(number) for number in range(len(said))]


def _asked_for(said, place):
    return bool(said.asked) and without_number(said.words[place]) == without_number(said.asked)


def _likely(models, vocabulary, features, nouns):
    """The highest log-probability of each noun, singular or plural, after "a" or "two"."""
    forms = [_forms(vocabulary).get(without_number(noun), [noun]) for _, noun in nouns]
    texts = [[f"{before} {form}" for form in each for before in ("a", "two")] for each in forms]
    rows = np.repeat([row for row, _ in nouns], [len(each) for each in texts]).astype(int)
    values = word_probabilities(models, vocabulary, features[rows], sum(texts, []))
    left = iter(values)
    return [float(np.log(max(LEAST, *(next(left)[1] for _ in each)))) for each in texts]


@lru_cache(maxsize=8)
def _forms(vocabulary):
    """From what singular and plural have in common to the words of a vocabulary."""
    forms = defaultdict(list)
    for word in vocabulary.words:
        forms[without_number(word)].append(word)
    return forms


def _seen(said, place, classes):
    """The probabilities that the CNN gives to the noun, and to what the caption leaves out."""
    noun = without_number(said.words[place])
    known = [n for n in read_names() if noun in map(without_number, (n.word, *n.also))]
    named = max((float(probability_of(name, classes)) for name in known), default=0.0)
    return named, float(classes[_left_out(" ".join(said.words))].sum())


@lru_cache(maxsize=2**10)  # captions come again, and all names are looked up in each
def _left_out(caption):
    """The classes of things of `OVERLOOKED` that a caption does not name."""
    names = read_names()
    told = {number for name in names if says(caption, name) for number in name.classes}
    others = {number for name in names if name.kind in OVERLOOKED for number in name.classes}
    return sorted(others - told)


def confidence_of(evidence: Evidence | None, calibration: Calibration) -> float:
    """Return the probability that people, too, name a caption's main noun; 0 if it has none."""
    if evidence is None:
        return 0.0
    weights = [calibration.weights[name] for name in WEIGHTS]
    return float(_logistic(np.array([[1.0, *evidence]]), np.array(weights))[0])


def fit_weights(
    evidence: Sequence[Evidence], right: Sequence[bool], counts: Sequence[float]
) -> dict[str, float]:
    """Fit a logistic regression by Newton's method.

    Args:
        evidence: Of N captions.
        right: Whether people name the main noun of each.
        counts: How many captions each counts for.

    Returns:
        The weights, as `Calibration` takes them.
    """
    inputs = np.column_stack([np.ones(len(evidence)), np.array(evidence, float)])
    pull = np.array([0.0] + [PULL] * len(Evidence._fields))
    weights = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        expected = _logistic(inputs, weights)
        slope = inputs.T @ (counts * (right - expected)) - pull * weights
        bend = (inputs.T * (counts * expected * (1 - expected))) @ inputs + np.diag(pull)
        weights = weights + np.linalg.solve(bend, slope)
    return dict(zip(WEIGHTS, weights.tolist(), strict=True))


def _logistic(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(inputs @ weights)))


def with_confidence(
    candidate: Candidate, evidence: Evidence | None, calibration: Calibration
) -> Candidate:
    """Return a candidate that tells its confidence, and the evidence for it."""
    confidence = confidence_of(evidence, calibration)
    unsure = confidence < calibration.unsure_below
    return candidate._replace(confidence=confidence, unsure=unsure, evidence=evidence)
