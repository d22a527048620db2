"""What a caption's words look at, and what else the model might have said (notebooks 06 and 08)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from utils.blocks import nearest_rows
from utils.captioner import Candidate, Captioner
from utils.decoding import word_probabilities
from utils.encoders import encoder_info, extract_features
from utils.images import read_picture, squeeze
from utils.run import Run
from utils.tensorflow_setup import tf
from utils.vocabulary import clean_caption

PLACES = 7  # rows and columns of places: as many as VGG16's last feature map has


def word_maps(
    captioner: Captioner, picture: Any, caption: str | Candidate | None = None
) -> tuple[list[str], np.ndarray]:
    """Cover one place of a picture after the other, and see which words become less probable.

    It takes 50 passes through the CNN, a few seconds.

    Args:
        captioner: A `utils.captioner.Captioner`.
        picture: What `utils.images.read_picture` takes.
        caption: Whose words are asked about, a string or a `Candidate` with details; by default
            what the captioner says.

    Returns:
        The T words, and float [T, 7, 7]: how much the log-probability of each word falls, in nats,
        when that place of the picture is covered; the words before it stay what they are.

    Raises:
        CourseError: The picture cannot be read.

    Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.
    Taught in notebook 06.
    """
    picture = read_picture(picture)
    caption = captioner.caption(picture, details=True) if caption is None else caption
    if isinstance(caption, str):
        text = clean_caption(caption)
        words = text.split()
    else:  # a word that was never learned looks where the one looks that stands in for it
        words, text = [word for word, _ in caption.words[:-1]], " ".join(caption.learned)
    size = max(encoder_info(encoder.name).image_size for encoder in captioner.encoders)
    pictures = _covered(squeeze(picture, size))
    features = extract_features(pictures, captioner.encoders, captioner.settings.mirrored, False)
    models, vocabulary = captioner.models, captioner.vocabulary
    found = word_probabilities(models, vocabulary, features, [text] * len(features))
    whole, *covered = np.log(found)[:, :-1]  # the end looks at nothing
    maps = (whole - np.array(covered)).T.reshape(-1, PLACES, PLACES)
    return words, maps


def _covered(picture: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a square picture as it is, then with each place in turn under its mean color."""
    yield picture
    mean, cell = picture.mean((0, 1)), len(picture) / PLACES
    for row, column in np.ndindex(PLACES, PLACES):
        # Half a place more on every side: things are seldom as small as a place.
        top, left = (round(max(0.0, (n - 0.5) * cell)) for n in (row, column))
        bottom, right = (round((n + 1.5) * cell) for n in (row, column))
        covered = picture.copy()
        covered[top:bottom, left:right] = mean
        yield covered


def next_words(
    captioner: Captioner, picture: Any, beginning: str = "", count: int = 8
) -> list[tuple[str, float]]:
    """Return the most probable next words of a caption that has begun.

    Args:
        captioner: A `utils.captioner.Captioner`.
        picture: What `utils.images.read_picture` takes.
        beginning: The words so far.
        count: How many words.

    Returns:
        Pairs of word and probability, the most probable first; "<end>" ends the caption.

    Raises:
        CourseError: The picture cannot be read.
    """
    vocabulary, mirrored = captioner.vocabulary, captioner.settings.mirrored
    features = extract_features([picture], captioner.encoders, mirrored, False)
    tokens = vocabulary.encode([clean_caption(beginning)])[:, :-1]  # without the end
    each = [tf.nn.softmax(model([features, tokens])[0, -1]) for model in captioner.models]
    probabilities = np.mean(each, axis=0)
    best = np.argsort(-probabilities)[:count]
    return [(vocabulary.words[token], float(probabilities[token])) for token in best]


def nearest_captions(
    captioner: Captioner, picture: Any, run: Run, count: int = 5
) -> list[tuple[str, str, float]]:
    """Return what people wrote about the train pictures that look most alike to the CNN.

    Args:
        captioner: That of the run.
        picture: What `utils.images.read_picture` takes.
        run: The `utils.run.Run`, with its captions and features.
        count: How many train pictures.

    Returns:
        Per train picture its name, its first caption and the cosine between its features and the
        picture's, the most alike first.

    Raises:
        CourseError: The picture cannot be read, or files of the run are missing.
    """
    images, features, references = run.pictures_of("train")
    own = extract_features([picture], captioner.encoders, captioner.settings.mirrored, False)
    rows, cosines = nearest_rows(own, features, count)
    found = zip(rows[0], cosines[0], strict=True)
    return [(images[row], references[row][0], float(cosine)) for row, cosine in found]
