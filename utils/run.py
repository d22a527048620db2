"""The one door to the files of a run: what made each of them, and whether it still holds.

From `utils.files.FILES` follow the manifests beside the files, the check when a file is opened and
the sentence that names the notebook to run. Settings are said once, where a file is made.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils.artifacts import (
    Fingerprints,
    manifest_path,
    read_content,
    remove_leftovers,
    write_content,
    write_json,
)
from utils.blocks import mean_of_views
from utils.defaults import DATASET_DEFAULTS
from utils.encoders.registry import joined_encoders
from utils.errors import CourseError
from utils.files import FILES, SHARED, data_name, identity, read_identity, read_manifest, run_folder
from utils.locks import locked
from utils.pretrained import share_of_known
from utils.settings import Settings, default_settings, for_size, with_recorded
from utils.vocabulary import Vocabulary

BRING_BACK = "rerun 01_data_cleaning.ipynb, or bring it back"
MADE_ANEW = "was made anew since this notebook read it: run it again from its top"


def open_run(folder: str | Path) -> "Run":
    """Open a run that is there, by its folder.

    Raises:
        CourseError: The folder holds no run.
    """
    chosen = read_identity(Path(folder))
    del chosen["data_folder"]
    # Not `load_settings`: a run can be used where its data folder is not.
    settings = default_settings(chosen["dataset"], chosen["encoder"], chosen["profile"])
    return Run(with_recorded(settings, chosen), folder=Path(folder))


class Run:
    """The files of a run, each checked with everything beneath it when it is opened.

    Attributes:
        folder: Where the run's files lie.
        settings: Those given, with what fits the data's size and what earlier notebooks recorded.

    Args:
        settings: What `load_settings` returned.
        notebook: The notebook that uses the run, without `.ipynb`; it takes the settings of the
            files that notebooks before it have made. By default those of all files.
        folder: Where the files lie, if not in `run_folder(settings)`.

    Raises:
        CourseError: An encoder is unknown, or the folder belongs to other data.
    """

    def __init__(
        self, settings: Settings, notebook: str | None = None, folder: Path | None = None
    ) -> None:
        joined_encoders(settings.encoder)
        self.folder = folder or run_folder(settings)
        self.notebook = notebook
        unnamed = self.folder.with_name(self.folder.name.rsplit(".", 1)[0])
        self._shared = unnamed if settings.run else self.folder
        self._fingerprints = Fingerprints(self._shared / "fingerprints.json")
        self._opened: dict[str, str] = {}  # what this notebook has read or written itself
        self._contents: dict[str, tuple[str, Any]] = {}
        self.settings = settings
        for place in {self.folder, self._shared}:
            remove_leftovers(place)
        self._belongs_here()
        recorded = self._recorded()
        self.settings = with_recorded(self.sized(settings, recorded.get("start")), recorded)

    @property
    def figures(self) -> Path:
        """Folder of the run's figures."""
        return self.folder / "figures"

    def sized(self, settings: Settings, start: str | None = None) -> Settings:
        """Fit settings to the number of captions that notebook 01 counted, as `for_size` does."""
        try:
            counted = self.manifest("captions.csv")
            counts = counted["train_captions"], counted["longest"]
        except (CourseError, KeyError):
            return settings
        return for_size(settings, *counts, start, counted.get("known", 1.0))  # 1: an older run

    def path(self, name: str) -> Path:
        """Return where a file of the run lies, unchecked."""
        return (self._shared if FILES[name].notebook <= SHARED else self.folder) / name

    def manifest(self, name: str) -> dict[str, Any]:
        """Return what is written down about a file, or raise a CourseError if it is missing."""
        return read_manifest(name, self.path(name))

    def check(self, name: str) -> str:
        """Check a file and everything that it was made from; return its fingerprint.

        Raises:
            CourseError: Something is missing, changed, made anew since or made with another
                setting than the settings cell names; the sentence names the notebook to run.
        """
        with self._alone():
            try:
                return self._check(name, {})
            finally:
                self._fingerprints.keep()

    def holds(self, name: str) -> bool:
        """Tell whether a file is there and need not be made again."""
        with suppress(CourseError):
            return bool(self.check(name))
        return False

    def _check(self, name, checked):
        if name in checked:
            return checked[name]
        made = FILES[name]
        # The lowest first: the sentence shall name the notebook to begin with.
        found = {source: self._check(source, checked) for source in made.made_from}
        manifest = self.manifest(name)
        checked[name] = self._fingerprints.of(self.path(name))
        if checked[name] != manifest["sha256"]:
            raise CourseError(f"{name} was changed after it was made: rerun {made.notebook}.ipynb.")
        for source, recorded in manifest["inputs"].items():
            if found.get(source) != recorded:
                raise CourseError(
                    f"{name} was made from another {source}: rerun {made.notebook}.ipynb."
                )
        self._check_settings(name, manifest["settings"])
        self._check_raw(name, manifest)
        return checked[name]

    def _check_settings(self, name, recorded):
        made = FILES[name]
        # The notebook that makes a file knows all settings of it, others what their cell names.
        names = set(made.settings)
        if made.notebook != self.notebook:
            names &= self.settings.named | {"encoder"}
        for setting in sorted(names):
            value, asked = recorded[setting], getattr(self.settings, setting)
            if value != asked:
                raise CourseError(
                    f"{name} of the run {self.folder.name} was made with {setting}={value!r}, but "
                    f"the settings say {asked!r}: run {made.notebook}.ipynb with "
                    f"{setting}={asked!r} first, or leave {setting} out."
                )

    def _check_raw(self, name, manifest):
        """The raw data are those that notebook 01 read, if they are still there at all."""
        data = self.settings.data_folder
        if data.is_dir():
            for source, recorded in manifest.get("sources", {}).items():
                self._unchanged(data / source, recorded)
        if name == "pictures.csv" and self._image_folder(manifest).is_dir():
            for picture in read_content(self.path(name)).itertuples():
                self._unchanged(self._image_folder(manifest) / picture.image, picture.sha256)

    def _unchanged(self, path, recorded):
        if not path.exists() or self._fingerprints.of(path) != recorded:
            raise CourseError(f"{path} was changed or removed since: {BRING_BACK}.")

    def save(self, name: str, content: Any, **details: Any) -> None:
        """Write a file of the run and its manifest.

        Args:
            name: A key of `FILES`.
            content: A DataFrame, an array, a Keras model, what JSON knows; or a file to move here.
            **details: For the manifest.

        Raises:
            CourseError: A file that it is made from no longer holds, or is not the one that
                this notebook read.
        """
        made, path = FILES[name], self.path(name)
        self._shared.mkdir(parents=True, exist_ok=True)
        with self._alone():
            inputs = {source: self.check(source) for source in made.made_from}
            if stale := [n for n in inputs if self._opened.get(n, inputs[n]) != inputs[n]]:
                raise CourseError(f"{stale[0]} {MADE_ANEW}.")
            own = path.parent == self.folder
            write_json(path.parent / "run.json", identity(self.settings, own))
            manifest_path(path).unlink(missing_ok=True)  # nothing holds until the new one is there
            write_content(path, content)
            self._opened[name] = self._fingerprints.of(path)
            manifest: dict[str, Any] = {"file": name, "made_by": made.notebook}
            manifest |= {"sha256": self._opened[name], "inputs": inputs}
            manifest["settings"] = {key: getattr(self.settings, key) for key in made.settings}
            write_json(manifest_path(path), manifest | details)
            self._fingerprints.keep()

    def save_clean(self, raw: Any, captions: pd.DataFrame, pictures: pd.DataFrame) -> None:
        """Write the tables of notebook 01, and which files of the `RawDataset` they are from."""
        data = self.settings.data_folder
        sources = {str(p.relative_to(data)): self._fingerprints.of(p) for p in raw.sources}
        train = captions.loc[captions["split"].eq("train"), "caption"]
        longest = int(train.str.count(" ").max()) + 1
        known = 1.0 if self.settings.dataset in DATASET_DEFAULTS else share_of_known(train)
        counted = {"train_captions": len(train), "longest": longest, "known": known}
        self.save("captions.csv", captions, sources=sources, **counted)  # `sized` asks for them
        self.save("pictures.csv", pictures, image_folder=str(raw.image_folder.relative_to(data)))

    def load(self, name: str) -> Any:
        """Check a file as `check` does, and read it."""
        with self._alone():
            found = self._opened[name] = self.check(name)
            if name.endswith(".keras"):
                import utils.model  # noqa: F401  (Keras finds the layers defined there)
                from utils.tensorflow_setup import keras  # seconds of loading, needless elsewhere

                return keras.models.load_model(self.path(name), compile=False)
            if self._contents.get(name, ("",))[0] != found:
                self._contents[name] = found, read_content(self.path(name))
        content = self._contents[name][1]
        return content.copy() if isinstance(content, pd.DataFrame) else content

    def features(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return what captions are made from, the mean of views: float16 [P, D], or some rows."""
        return mean_of_views(self.load("features.npy"), rows)

    def vocabulary(self) -> Vocabulary:
        """Return the `Vocabulary`."""
        return Vocabulary(tuple(self.load("vocabulary.json")["words"]))

    def references(self, split: str) -> dict[str, list[str]]:
        """Return the captions of a split by picture: dict from image to its list of captions."""
        chosen = self.load("captions.csv").query("split == @split")
        return chosen.groupby("image", sort=False)["caption"].apply(list).to_dict()

    def splits(self) -> list[str]:
        """Return the names of the splits: train, dev, test and perhaps novel."""
        return self.load("captions.csv")["split"].unique().tolist()

    def captions_of(self, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what a model learns from or is tested on, as `Batches` takes it.

        Returns:
            Features, for train all views of all pictures [P, V, D], else [P, D] of the split's own;
            int [N], the row of them that belongs to each caption; its tokens int32 [N, T].
        """
        captions, tokens = self.load("captions.csv"), self.load("tokens.npy")
        chosen = captions["split"].eq(split).to_numpy()
        rows, tokens = captions["image"].map(self._rows()).to_numpy()[chosen], tokens[chosen]
        if split == "train":
            return self.load("features.npy"), rows, np.asarray(tokens)
        pictures, rows = np.unique(rows, return_inverse=True)
        return self.features(pictures), rows, np.asarray(tokens)

    def pictures_of(self, split: str) -> tuple[list[str], np.ndarray, list[list[str]]]:
        """Return the pictures of a split: names, features [N, D], and their references."""
        references, rows = self.references(split), self._rows()
        features = self.features(np.array([rows[image] for image in references]))
        return list(references), features, list(references.values())

    def picture_path(self, image: str) -> Path:
        """Return where a picture lies, given its name."""
        return self._image_folder(self.manifest("pictures.csv")) / image

    def _rows(self):
        return {image: row for row, image in enumerate(self.load("pictures.csv")["image"])}

    def _image_folder(self, manifest):
        return self.settings.data_folder / manifest["image_folder"]

    def _recorded(self):
        recorded = {}
        # Backwards: what an earlier notebook said counts for the later ones.
        for name, made in reversed(FILES.items()):
            before = self.notebook is None or made.notebook < self.notebook
            if made.settings and before and manifest_path(self.path(name)).exists():
                with suppress(CourseError):
                    recorded |= self.manifest(name)["settings"]
        recorded.pop("encoder", None)  # part of the folder's name: another one is a mistake
        return recorded

    def _belongs_here(self):
        try:
            there = read_identity(self.folder)["data_folder"]
        except CourseError:
            return  # a new run; or its run.json is damaged, and written anew with the next file
        if there != data_name(self.settings):
            raise CourseError(
                f"The run {self.folder.name} belongs to the data folder {there}, not to "
                f"{data_name(self.settings)}: move or rename one of the two."
            )

    def _alone(self):
        """Files change under this lock only; nobody finds one whose manifest is yet to come."""
        return locked(self._shared / ".lock", f"writes to the run {self.folder.name}")
