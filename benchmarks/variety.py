"""How varied captions are: what scores do not see, and what a captioner may lose for their sake."""

from collections.abc import Collection, Sequence

import numpy as np

from utils.decoding import FUNCTION_WORDS
from utils.errors import CourseError

# Colors, sizes, ages, materials: "a brown dog and a brown cat" is no loop.
LOOKS = (
    "black white brown tan gray grey red pink orange yellow green blue purple golden silver "
    "blond blonde dark light bright colorful colored striped big large small little tiny huge tall "
    "short long young old older elderly wooden metal plastic brick stone concrete leather"
)
NO_THINGS = frozenset(f"{FUNCTION_WORDS} {LOOKS}".split())
WITHIN = 6  # words


def loops(caption: str) -> bool:
    """Tell whether a caption goes round in circles, as benchmarks/README.md counts it.

    It does if it says three words in a row twice, "X and X", or the same two words again within
    six words, where the second is a thing: neither a function word nor a look.

    Args:
        caption: Cleaned words with blanks between them.
    """
    words = caption.split()
    triples = list(zip(words, words[1:], words[2:], strict=False))
    if len(set(triples)) < len(triples):
        return True
    if any(before == after and word == "and" for before, word, after in triples):
        return True
    pairs = list(zip(words, words[1:], strict=False))
    return any(
        pair[1] not in NO_THINGS and pair in pairs[place + 1 : place + 1 + WITHIN]
        for place, pair in enumerate(pairs)
    )


def variety(said: Sequence[str], train: Collection[str]) -> dict[str, float]:
    """Describe a set of captions by what is in them, without any references.

    Args:
        said: Cleaned captions, one per picture.
        train: The different captions that people wrote for the train pictures, cleaned.

    Returns:
        mean_length in words; distinct_captions and different_words, as numbers; in_train, the
        percentage of captions that stand in train word for word; looping, the percentage that
        `loops`.

    Raises:
        CourseError: There are no captions, or none of train.
    """
    if not said or not train:
        raise CourseError("Captions are compared with those of train: give one of each at least.")
    return {
        "mean_length": float(np.mean([len(text.split()) for text in said])),
        "distinct_captions": len(set(said)),
        "different_words": len({word for text in said for word in text.split()}),
        "in_train": 100 * float(np.mean([text in train for text in said])),
        "looping": 100 * float(np.mean([loops(text) for text in said])),
    }
