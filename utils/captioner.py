"""Everything loaded once, then captions for any pictures."""

import os
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from utils.captioner_folder import Parts, read_folder, write_folder
from utils.confidence import Calibration, Candidate, gather_evidence, with_confidence
from utils.consensus import CANDIDATES, make_consensus
from utils.decoding import at_least_one, make_decoder, word_probabilities
from utils.encoders import (
    build_classifier,
    build_encoder,
    classify,
    extract_features,
    joined_encoders,
)
from utils.errors import CourseError
from utils.files import runs_root
from utils.guidance import Said, guide
from utils.images import as_pictures
from utils.pretrained import PRETRAINED
from utils.run import Run, open_run
from utils.settings import Settings, load_settings
from utils.vocabulary import Vocabulary


@dataclass(frozen=True)
class Captioner:
    """A trained merge model and all that it takes to caption pictures."""

    models: list  # trained merge models of one shape: an ensemble, or a list of one
    vocabulary: Vocabulary  # that they were trained with
    settings: Settings  # those of the search, the encoder; all others only if a run is there
    calibration: Calibration | None = None  # of its confidence, if somebody measured it
    run: Run | None = None  # with the train captions and features, which consensus needs

    @cached_property
    def encoders(self) -> list:
        """The CNNs, built when the first picture comes: saving a captioner needs none."""
        return [build_encoder(info.name) for info in joined_encoders(self.settings.encoder)]

    @cached_property
    def classifiers(self) -> list:
        """For each CNN the classifier of its weights file, or None where there is none."""
        return [build_classifier(info.name) for info in joined_encoders(self.settings.encoder)]

    @cached_property
    def _decode(self):
        return make_decoder(self.models, self.vocabulary)

    @cached_property
    def _choose(self):
        if self.run is None:
            raise CourseError(
                "Consensus asks the captions of similar train pictures, and this captioner comes "
                "without: take that of a run, or leave consensus out."
            )
        return make_consensus(*self.run.pictures_of("train")[1:])

    def caption(
        self,
        pictures: Any,
        beam_size: int | None = None,
        several: int | None = None,
        details: bool = False,
        max_length: int | None = None,
        guided: bool = True,
        consensus: bool = False,
    ) -> Any:
        """Caption one picture, or several.

        Args:
            pictures: One picture of any kind that `utils.images.read_picture` takes and of any
                size. Or several in a list, tuple or generator; also mixed.
            beam_size: 1 is greedy search; by default what the captioner was tested with.
            several: How many captions a picture, at least 1; the beam size is at least that.
            details: Whether to tell the probability of every word.
            max_length: How many words a caption has at most; by default what the captioner was
                tested with.
            guided: Whether a caption has to say what the CNN is sure of, also in words that were
                never learned (`utils.guidance`). Without effect where no CNN has a classifier.
            consensus: Whether the captions of similar train pictures choose among `CANDIDATES`
                captions that the search finds (`utils.consensus`).

        Returns:
            A string for one picture, a list of strings for several pictures. With `details`, a
            `Candidate` in place of a string. With `several`, a list of at most so many
            `Candidate`s, the best first, in place of a string; a guided one is the best. Their
            confidence is that of captions with guidance; without, they have none.

        Raises:
            CourseError: A picture cannot be read; a number is below 1; consensus has no run to ask.
        """
        at_least_one(beam_size=beam_size, several=several, max_length=max_length)
        choose = self._choose if consensus else None  # refused before anything is looked at
        pictures, alone = as_pictures(pictures)
        features, classes = self._look(pictures, guided)
        own = self.settings
        search = {"beam_size": beam_size or own.beam_size, "alpha": own.alpha}
        search["max_length"] = max_length or own.max_length
        found = self._search(features, 1 if several is None else several, search, choose)
        if classes is not None:
            self._guide(features, classes, found, search)
        candidates = self._candidates(features, found, details)
        if guided and self.calibration and (details or several is not None):
            candidates = self._with_confidence(features, classes, found, candidates)
        if several is None:
            candidates = [best if details else best.caption for best, *_ in candidates]
        return candidates[0] if alone else candidates

    def _search(self, features, several, search, choose):
        """Captions without guidance, a list of `Said` per picture; the chosen one comes first."""
        wanted = max(several, CANDIDATES) if choose else several
        texts, scores = self._decode(features, several=wanted, **search)
        found = [list(map(Said.freely, *pair)) for pair in zip(texts, scores, strict=True)]
        if choose:
            for each, caption in zip(found, choose(features, texts), strict=True):
                each.sort(key=lambda said: " ".join(said.words) != caption)  # stable
        return [each[:several] for each in found]

    def _guide(self, features, classes, found, search):
        """Put what the CNN asks for before what was found."""
        decode, free = partial(self._decode, **search), [" ".join(best.words) for best, *_ in found]
        for row, said in guide(decode, self.vocabulary, features, classes, free).items():
            others = [other for other in found[row] if other.words != said.words]
            found[row] = [said, *others][: len(found[row])]

    def _look(self, pictures, guided):
        """The features of pictures and, if there is one to guide, what the classifier says."""
        encoders, mirrored = self.encoders, self.settings.mirrored
        if guided and any(self.classifiers):
            return classify(pictures, encoders, self.classifiers, mirrored)
        return extract_features(pictures, encoders, mirrored, progress=False), None

    def _candidates(self, features, found, details):
        """Put together what there is to tell of lists of captions, one per row of features."""
        flat = [(row, said) for row, each in enumerate(found) for said in each]
        asked = [(row, said) for row, said in flat if details or said.log_probability is None]
        rows, texts = [row for row, _ in asked], [" ".join(said.learned) for _, said in asked]
        values = iter(word_probabilities(self.models, self.vocabulary, features[rows], texts))
        candidates = [[] for _ in found]
        for row, (wish, words, learned, score) in flat:
            own = next(values) if details or score is None else np.ones(0)
            score = float(np.log(own).sum() if score is None else score)
            pairs = tuple(zip([*words, "<end>"], own.tolist(), strict=True)) if details else ()
            candidates[row].append(Candidate(" ".join(words), score, pairs, wish, learned))
        return candidates

    def _with_confidence(self, features, classes, found, candidates):
        """Let candidates tell how sure they are, given the `Said` that each was made from."""
        flat = [(row, said) for row, each in enumerate(found) for said in each]
        evidence = iter(gather_evidence(self.models, self.vocabulary, features, classes, flat))
        sure = partial(with_confidence, calibration=self.calibration)
        return [[sure(one, next(evidence)) for one in each] for each in candidates]

    def save(self, folder: str | Path, **details: Any) -> None:
        """Write a small folder that `load_captioner` reads on any machine, or none of it.

        Args:
            folder: Where to write float16 weights, the vocabulary and a manifest. A captioner
                that lies there is replaced; other files beside it stay.
            **details: What else the manifest shall say, JSON-serializable (scores, how it was
                made).

        Raises:
            CourseError: The folder holds something that is no captioner.
        """
        parts = Parts(self.models, self.vocabulary, self.settings, self.calibration)
        write_folder(Path(folder), parts, details)


def load_captioner(name: str | Path | None = None) -> Captioner:
    """Load a trained captioner.

    Args:
        name: "pretrained" for the captioner that comes with the course, trained on Flickr8k; a
            folder that `Captioner.save` wrote; a run folder. Both also by their name below the
            folder of runs, like "scenes-vgg16". By default the run that `CAPTION_DATASET`,
            `CAPTION_ENCODER`, `CAPTION_PROFILE` and `CAPTION_RUN` name.

    Raises:
        CourseError: There is no trained model; the sentence names the notebook to run, or the
            captioners that are there.
    """
    if name is None:
        return captioner_of_run(Run(load_settings()))
    if name == "pretrained":
        return Captioner(*read_folder(PRETRAINED, "bring it back with git checkout"))
    if isinstance(name, (str, os.PathLike)):
        for folder in (Path(name), runs_root() / name):
            if (folder / "manifest.json").exists():
                return Captioner(*read_folder(folder, "save the captioner again"))
            if (folder / "run.json").exists():
                return captioner_of_run(open_run(folder))
    raise CourseError(
        f"There is no captioner {str(name)!r}: choose one of {', '.join(captioner_names())}."
    )


def captioner_of_run(run: Run, name: str = "model.keras") -> Captioner:
    """Return the captioner of an open run, or a CourseError that names the notebook to run.

    `name` is the model: "model.keras", or "model_self_critical.keras" of notebook 07.
    """
    return Captioner([run.load(name)], run.vocabulary(), run.settings, run=run)


def captioner_names() -> list[str]:
    """Return the names of all captioners that `load_captioner` finds, the shipped one first."""
    root, patterns = runs_root(), ("*/model.keras", "*/manifest.json", "*/*/manifest.json")
    found = [path.parent for pattern in patterns for path in root.glob(pattern)]
    return ["pretrained", *sorted(path.relative_to(root).as_posix() for path in found)]
