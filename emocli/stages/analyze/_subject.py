"""What an analysis without a network looks at: the clips of a run, or of a store and a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emocli.data.clip import Split
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import check_path, open_features
from emocli.errors import ConfigError
from emocli.learn.rundir import CONFIG
from emocli.robust.corrupt import Corrupter, parse_all
from emocli.robust.repair import RobustConfig
from emocli.stages._bench import Bench
from emocli.stages._repair import Workshop


@dataclass(frozen=True)
class Subject:
    """Clips, standardised, and what repairs of them need.

    Attributes
    ----------
    folder : Path
        Where reports go: below the run, or the store.
    clips : Samples
        What is looked at.
    workshop : Workshop
        The check, and the train split.
    """

    folder: Path
    clips: Samples
    workshop: Workshop

    @classmethod
    def open(cls, place: Path, split: Split, manifest: Path | None, store: Path | None) -> Subject:
        """Open a run; or a store, whose clips a manifest names.

        Raises
        ------
        EmocliError
            If it is neither, or its parts do not fit each other.
        """
        if (place / CONFIG).is_file():
            bench = Bench.open(place, split, manifest, store)
            return cls(place, bench.samples, bench.workshop)
        if manifest is None:
            what = "is no run; of a store, the clips are in a manifest"
            raise ConfigError(what, where=place, mend="name it with --manifest")
        corpus = Manifest.read(manifest)
        stores = open_features(place, None, corpus)
        train = Samples.of(corpus, "train", stores)
        standardiser = Standardiser.fit(train)
        clips = Samples.of(corpus, split, stores).then(standardiser)
        workshop = Workshop(check_path(place), standardiser, RobustConfig(), train)
        return cls(place, clips, workshop)

    def split(self, name: Split) -> Samples:
        """Return another split, standardised alike."""
        manifest, stores = self.clips.manifest, self.clips.stores
        return Samples.of(manifest, name, stores).then(self.workshop.standardiser)

    def struck(self, spec: str, seed: int) -> tuple[Samples, Corrupter]:
        """Corrupt the clips."""
        corrupter = Corrupter(parse_all([spec], self.clips.stores), seed, self.clips)
        return self.clips.then(corrupter), corrupter
