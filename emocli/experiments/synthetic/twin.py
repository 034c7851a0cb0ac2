"""The synthetic twin of a table: a corpus on which every row of it can run, made from a seed.

What the corpus has to be is read off the table: its task, the modalities and features that rows
name, dialogues of one vector per clip where a network looks at dialogues, recordings where encoders
are trained. `emocli.plugin.experiment.SyntheticCorpus` says the rest. Everything is kept under the
output folder: ``synthetic.csv``, ``store``, and ``recordings`` if there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from emocli import plugins
from emocli.config import Tree, build, merge, subsection
from emocli.data.durable import locked, used_folder
from emocli.data.manifest import Manifest, Task
from emocli.data.pool import Say
from emocli.data.store.joined import parts_of
from emocli.errors import ConfigError
from emocli.experiments.config import ReproduceConfig, of_corpus, read_table
from emocli.experiments.plan import TwinPlan
from emocli.experiments.synthetic import corpus
from emocli.experiments.synthetic.features import Shape, write_features
from emocli.experiments.synthetic.quick import QUICK, TRAIN
from emocli.experiments.systems import kinds
from emocli.extraction.extract import extract
from emocli.models.network import network_class
from emocli.plugin.experiment import Row, Table
from emocli.training.encoders.picture_source import picture_source

SECTION, RECORDED = "synthetic", "demo"
"""Sections of settings: of clips and features; of recordings, which that dataset draws."""

SECTIONS = (SECTION, RECORDED)

USUAL = ("text", "audio", "visual")
"""Modalities of a table that names none."""

FACES: Tree = {"faces": {"min_share": 0.2}}
"""Every face that is drawn fills half of the picture."""


@dataclass(frozen=True)
class Twin:
    """The corpus that a table is run on where there is no other.

    Attributes
    ----------
    table : Table
        The experiment.
    out : Path
        Folder of the experiment.
    config : corpus.Config
        Settings of clips and features.
    recordings : mapping
        Settings of the dataset that is drawn.
    from_clips : bool
        Whether all features are made of recordings, later.
    settings : mapping
        Those of the experiment on this corpus.
    """

    table: Table
    out: Path
    config: corpus.Config
    recordings: Tree
    from_clips: bool
    settings: Tree

    @classmethod
    def of(
        cls, name: str, settings: Tree, out: Path, *, quick: bool = False, from_clips: bool = False
    ) -> Twin:
        """Plan the corpus and its features.

        Parameters
        ----------
        name : str
            The experiment: ``rrnn-t2``.
        settings : mapping
            Those of the experiment, and ``synthetic`` and ``demo``.
        out : Path
            Folder for everything that comes out.
        quick : bool
            Whether corpus and trainings are as small as can be, where the settings do not say.
        from_clips : bool
            Whether all features are made of recordings, later.

        Raises
        ------
        ConfigError
            If the settings name features, which are those of the twin, or one is none.
        """
        paper_settings = of_corpus(name, read_table(name, settings).synthetic.corpus)
        settings = merge({"experiment": paper_settings}, settings) if paper_settings else settings
        table = read_table(name, settings)
        if subsection(settings, "reproduce").get("features") and not from_clips:
            what = "--synthetic makes the features that the table needs"
            raise ConfigError(what, hint="leave out -f and reproduce.features")
        tree = merge(_quick(table, from_clips), settings) if quick else dict(settings)
        config = build(corpus.Config, tree.pop(SECTION, {}), SECTION)
        recordings = subsection(tree, RECORDED)
        tree.pop(RECORDED, None)
        build(plugins.load("datasets", RECORDED).Config, recordings, RECORDED)
        twin = cls(table, out, config, recordings, from_clips, tree)
        build(ReproduceConfig, tree.get("reproduce", {}), "reproduce")
        return twin if from_clips else twin._choosing()

    def _choosing(self) -> Twin:
        """Name the feature of each modality that rows see who do not say."""
        if not self.features:
            return self
        chosen = {modality: name for name, modality in reversed(self.features.items())}
        own: Tree = {"reproduce": {"features": [chosen[m] for m in self.modalities]}}
        settings = merge(self.settings, own)
        return Twin(self.table, self.out, self.config, self.recordings, self.from_clips, settings)

    @property
    def store(self) -> Path:
        """Where the features are kept."""
        return self.out / "store"

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.table.task or self.table.synthetic.task

    @cached_property
    def encoders(self) -> list[str]:
        """Kinds of the encoders that rows train."""
        return list(dict.fromkeys(row.encoder for row in self.table.rows if row.encoder))

    @cached_property
    def modalities(self) -> list[str]:
        """Modalities that rows read or corrupt."""
        if not any(kind.STORED for kind in kinds(self.table)):
            return []
        named = [m for row in self.table.rows for m in (*row.modalities, *row.features)]
        return list(dict.fromkeys([*named, *([] if named else USUAL), *self._corrupted()]))

    def _corrupted(self) -> Iterator[str]:
        for row in self.table.rows:
            for condition in row.conditions:
                yield from (each.subject for each in condition.corrupt if not each.drawn)

    @cached_property
    def features(self) -> dict[str, str]:
        """Feature to modality: those that rows name, else one of the modality's name."""
        named: dict[str, list[str]] = {modality: [] for modality in self.modalities}
        for row in self.table.rows:
            for modality, joined in row.features.items():
                named[modality] += parts_of(joined)
        return {
            name: modality
            for modality, names in named.items()
            for name in names or [f"synthetic_{modality}"]
        }

    @property
    def shape(self) -> Shape:
        """What the features are."""
        dialogues = any(_of_dialogues(row) for row in self.table.rows)
        return Shape(self.features, self.table.synthetic.aligned, dialogues)

    def plan(self) -> TwinPlan:
        """Say what would be made."""
        recorded = self.from_clips or bool(self.encoders)
        return TwinPlan(
            corpus=self.out / "synthetic.csv",
            task=self.task,
            features={} if self.from_clips else self.features,
            recordings=self.out / "recordings" if recorded else None,
            settings=self.recordings if recorded else self.config.model_dump(mode="json"),
        )

    def make(
        self, workers: int = 1, overwrite: bool = False, say: Say = lambda step: None
    ) -> Manifest:
        """Make the corpus and its features, or what is left of them.

        Raises
        ------
        EmocliError
            If the folder holds a corpus of other settings, and it is not to be replaced.
        """
        path = self.out / "synthetic.csv"
        with used_folder(self.out), locked(self.out / ".lock"):
            say("generating a synthetic corpus")
            if self.from_clips or self.encoders:
                self._record(path, workers, overwrite, say)
            else:
                drawn = corpus.draw(self.config, self.task, self.out, self.table.synthetic.classes)
                write_features(drawn, self.config, self.shape, self.store, overwrite)
                drawn.manifest.write(path)
        return Manifest.read(path)

    def _record(self, path: Path, workers: int, overwrite: bool, say: Say) -> None:
        """Draw recordings, and extract what encoders look at."""
        module = plugins.load("datasets", RECORDED)
        chosen = build(module.Config, self.recordings, RECORDED)
        module.build(self.out / "recordings", chosen).write(path)
        manifest = Manifest.read(path)
        if self.from_clips:
            return
        seen = [name for kind in self.encoders if (name := picture_source(kind).feature)]
        if seen:
            say(f"extracting {', '.join(seen)} of {len(manifest.clips)} recordings")
            own = {name: FACES[name] for name in seen if name in FACES}
            extract(manifest, seen, self.store, settings=own, workers=workers, overwrite=overwrite)
        drawn = corpus.behind(self.config, manifest)
        write_features(drawn, self.config, self.shape, self.store, overwrite)


def _quick(table: Table, from_clips: bool) -> Tree:
    """Return the quick settings that a table takes."""
    own = [name for kind in kinds(table) for name in kind.SECTIONS]
    more = ["extractors"] if from_clips else []
    taken = ("reproduce", *SECTIONS, *own, *more)
    tree: Tree = {name: QUICK[name] for name in taken if name in QUICK}
    learning = [name for name in TRAIN if any(getattr(row, name) for row in table.rows)]
    tree = merge(tree, table.synthetic.quick)
    return merge(tree, {"train": TRAIN[learning[0]]}) if len(learning) == 1 else tree


def _of_dialogues(row: Row) -> bool:
    """Whether what a row trains looks at whole dialogues."""
    return bool(row.fusion) and network_class(row.fusion).level == "dialogue"
