"""The features of an experiment, made of raw clips by encoders that are trained on the way.

What the encoders look at is extracted, an encoder of each kind is trained, and with these the
features that the table names are extracted (Chudasama 2022, sec. 3.1). Everything is kept under the
output folder: ``extractors/<kind>`` and ``store``. Every step resumes, so that the same command
goes on after an interruption.

The encoders learn from the train split of the manifest and choose on its valid split, as the
networks do; no test clip is in either. In a rotation of folds they would have seen the clips that
another fold tests, so that there is none: folds are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar, cast

from pydantic import Field

from emocli import plugins
from emocli.config import Settings, Tree, build, subsection
from emocli.data.durable import locked, used_folder
from emocli.data.manifest import Manifest
from emocli.data.pool import Say
from emocli.data.store.joined import parts_of
from emocli.display import number_of
from emocli.errors import ConfigError, RunError, StoreError, choice
from emocli.experiments.config import ReproduceConfig, read_table
from emocli.experiments.encoder_trainings import TRAININGS, FitOptions
from emocli.experiments.plan import FromClipsPlan
from emocli.extraction.extract import extract
from emocli.extraction.extract import plan as plan_extraction
from emocli.plugin.encoder import EncoderKind
from emocli.plugin.experiment import Table
from emocli.plugin.feature import Feature

SECTION = "extractors"
"""Section of the settings."""

Done = TypeVar("Done")


class EncoderTrainingsConfig(Settings):
    """Settings of features made of clips: the section ``extractors``.

    Attributes
    ----------
    preset : str
        Of the encoders; by default that of the experiment.
    audio, face, scene, text : mapping
        Settings of each encoder, by section, as of `emocli fit-encoder` and `emocli fit-text`:
        ``extractors.audio.train.lr``, ``extractors.text.text.backbone``.
    features : mapping
        Feature to its settings, as of `emocli extract`: ``extractors.features.faces.rate``.
    """

    preset: str = ""
    audio: Tree = Field(default_factory=dict)
    face: Tree = Field(default_factory=dict)
    scene: Tree = Field(default_factory=dict)
    text: Tree = Field(default_factory=dict)
    features: Tree = Field(default_factory=dict)


@dataclass(frozen=True)
class ClipFeatures:
    """The features that were made.

    Attributes
    ----------
    store : Path
        Folder of their stores.
    failed : int
        Extractions that failed; their clips lack the feature.
    """

    store: Path
    failed: int


@dataclass(frozen=True)
class EncoderTrainings:
    """The extractions and trainings that make the features of an experiment of clips.

    Attributes
    ----------
    name : str
        The experiment.
    manifest : Manifest
        The corpus.
    out : Path
        Folder of the experiment.
    chosen : tuple of str
        What rows are given that do not say: the features of the command, or of the table.
    features : tuple of str
        What all rows are given, these among them.
    config : EncoderTrainingsConfig
        Settings of the encoders and features.
    preset : str
        Of the encoders.
    """

    name: str
    manifest: Manifest
    out: Path
    chosen: tuple[str, ...]
    features: tuple[str, ...]
    config: EncoderTrainingsConfig
    preset: str

    @classmethod
    def of(cls, name: str, manifest: Manifest, out: Path, settings: Tree) -> EncoderTrainings:
        """Plan the extractions and trainings.

        Parameters
        ----------
        name : str
            The experiment: ``m2f-t2``.
        manifest : Manifest
            The corpus.
        out : Path
            Folder for everything that comes out.
        settings : mapping
            Those of the experiment, and ``extractors``.

        Raises
        ------
        ConfigError
            If the experiment names no features, is to be run in folds, or a setting is none.
        """
        table = read_table(name, settings)
        config = build(ReproduceConfig, settings.get("reproduce", {}), "reproduce")
        own = build(EncoderTrainingsConfig, settings.get(SECTION, {}), SECTION)
        if config.folds:
            what = (
                "encoders that learn from the train split would have seen clips that other folds "
                "test"
            )
            hint = "leave --folds out: the manifest's own splits are used"
            raise ConfigError(what, hint=hint)
        chosen = config.features or table.features
        features = _features(name, table, chosen)
        preset = own.preset or config.preset
        trainings = cls(name, manifest, out, chosen, features, own, preset)
        trainings._check()
        return trainings

    def _check(self) -> None:
        """Refuse settings before hours have been spent."""
        for kind, training in TRAININGS.items():
            training.check(self._options(kind))
        for feature in self.config.features:
            if feature not in (known := plugins.names("features")):
                what, where = f"no feature is called '{feature}'", f"{SECTION}.features"
                raise ConfigError(what, where=where, hint=choice(feature, known))

    @property
    def store(self) -> Path:
        """Where the features are kept."""
        return self.out / "store"

    def encoder(self, kind: str) -> Path:
        """Where an encoder is kept."""
        return self.out.resolve() / SECTION / kind

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All features that are extracted, each after those it is computed from."""
        return tuple(dict.fromkeys(each for name in self.features for each in self._before(name)))

    def _before(self, feature: str) -> Iterator[str]:
        """Yield what a feature is computed from, and the feature."""
        module = plugins.load("features", feature)
        for upstream in module.REQUIRES:
            yield from self._before(upstream)
        yield feature

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Encoders that are trained, in the order in which features need them."""
        return tuple(dict.fromkeys(kind for name in self.order if (kind := self._kind(name))))

    def without(self, settings: Tree) -> Tree:
        """Return the settings of the experiment on the features that are made."""
        others = {name: values for name, values in settings.items() if name != SECTION}
        chosen: Tree = {"features": self.chosen, **subsection(settings, "reproduce")}
        return {**others, "reproduce": chosen}

    def plan(self) -> FromClipsPlan:
        """Say what would be done."""
        return FromClipsPlan(
            experiment=self.name,
            store=self.store,
            features=self.order,
            extractors={kind: self.encoder(kind) for kind in self.kinds},
            preset=self.preset,
            clips=len(self.manifest.clips),
        )

    def make(
        self, workers: int = 1, overwrite: bool = False, say: Say = lambda step: None
    ) -> ClipFeatures:
        """Extract, train the encoders, and extract what they make; or what is left of it.

        Parameters
        ----------
        workers : int
            Processes that extract; encoders are trained one after the other.
        overwrite : bool
            Make again what was made with other settings or inputs.
        say : callable
            Told what happens.

        Raises
        ------
        EmocliError
            If something cannot be used, or was made with other settings.
        """
        failed = 0
        with used_folder(self.out), locked(self.out / ".lock"):
            for feature in self.order:
                if kind := self._kind(feature):
                    say(f"training the {kind} encoder")
                    say(_again(overwrite, partial(self._fit, kind)))
                say(f"extracting {feature} of {len(self.manifest.clips)} clips")
                failed += self._extract(feature, workers, overwrite, say)
        return ClipFeatures(self.store, failed)

    def _options(self, kind: EncoderKind, overwrite: bool = False) -> FitOptions:
        return FitOptions(self.preset, getattr(self.config, kind), overwrite)

    def _fit(self, kind: EncoderKind, overwrite: bool) -> str:
        """Train an encoder, or what is left of it; say how it does."""
        options = self._options(kind, overwrite)
        return TRAININGS[kind].fit(self.manifest, self.store, self.encoder(kind), options)

    def _extract(self, feature: str, workers: int, overwrite: bool, say: Say) -> int:
        """Extract a feature, or what is left of it; return how many clips failed."""
        where: tuple[Manifest, list[str], Path] = (self.manifest, [feature], self.store)
        settings = {feature: self._settings(feature)}

        def refused_if_other(again: bool) -> bool:
            plan_extraction(*where, settings=settings, overwrite=again)
            return again

        again = _again(overwrite, refused_if_other)
        (done,) = extract(*where, settings=settings, workers=workers, overwrite=again)
        if done.failed:
            failed = number_of(done.failed, "clips failed")
            say(f"warning: {failed}; see {done.failures}")
        return done.failed

    def _settings(self, feature: str) -> Tree:
        kind = self._kind(feature)
        own = subsection(self.config.features, feature)
        return {**own, "encoder": str(self.encoder(kind))} if kind else own

    def _kind(self, feature: str) -> EncoderKind | None:
        """Return the kind of encoder that has to be trained for a feature, if one has to."""
        if subsection(self.config.features, feature).get("encoder"):
            return None
        return cast(Feature, plugins.load("features", feature)).ENCODER


def _again(overwrite: bool, do: Callable[[bool], Done]) -> Done:
    """Do what is left of something; all of it again, if it was done otherwise and that is meant."""
    try:
        return do(False)
    except (RunError, StoreError):
        if not overwrite:
            raise
        return do(True)


def _features(name: str, table: Table, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return all that the rows of an experiment are given."""
    if not table.features:
        raise ConfigError(
            f"{name} does not say which features it is about",
            hint="extract them with emocli extract, and leave --from-clips out",
        )
    named = [part for feature in chosen for part in parts_of(feature)]
    own = [feature for row in table.rows for feature in row.features.values()]
    return tuple(dict.fromkeys([*named, *own]))
