"""The plan of an experiment: what would be run, as ``--dry-run`` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from emocli.config import Tree
from emocli.experiments.config import ReproduceConfig


@dataclass(frozen=True)
class PlannedRow:
    """The plan of a row.

    Attributes
    ----------
    row, slug, system, preset : str
        Its name, the name of its files, what is tested, and where its settings start from.
    features : tuple of str
        What it is given.
    settings : mapping
        Laid over the preset.
    conditions : tuple of str
        Names of what it is tested under.
    trainings : int
        How many it needs, over all folds and seeds.
    lacking : str
        Why it cannot be run; empty if it can.
    """

    row: str
    slug: str
    system: str
    preset: str
    features: tuple[str, ...]
    settings: Tree
    conditions: tuple[str, ...]
    trainings: int
    lacking: str


@dataclass(frozen=True)
class TwinPlan:
    """The plan of a synthetic corpus.

    Attributes
    ----------
    corpus : Path
        Its manifest.
    task : str
        The table's.
    features : mapping
        Feature to modality, of those that are drawn.
    recordings : Path, optional
        Folder of its recordings, if there are some.
    settings : mapping
        What it is made with.
    """

    corpus: Path
    task: str
    features: Mapping[str, str]
    recordings: Path | None
    settings: Tree


@dataclass(frozen=True)
class FromClipsPlan:
    """The plan of the features that an experiment makes from clips.

    Attributes
    ----------
    experiment : str
        The table.
    store : Path
        Where they go.
    features : tuple of str
        Each after those it is computed from.
    extractors : mapping
        Kind of the encoders that are trained, in that order, to their folder.
    preset : str
        Theirs.
    clips : int
        Those of the corpus.
    """

    experiment: str
    store: Path
    features: tuple[str, ...]
    extractors: Mapping[str, Path]
    preset: str
    clips: int


@dataclass(frozen=True)
class ExperimentPlan:
    """The plan of an experiment.

    Attributes
    ----------
    experiment, title : str
        The table.
    config : ReproduceConfig
        How it is run.
    modalities : mapping
        Modality to its feature.
    rows : tuple of PlannedRow
        The rows that are run now.
    remarks : tuple of str
        What a reader might take the settings to mean, and they do not.
    """

    experiment: str
    title: str
    config: ReproduceConfig
    modalities: Mapping[str, str]
    rows: tuple[PlannedRow, ...]
    remarks: tuple[str, ...]

    @property
    def trainings(self) -> int:
        """How many there are of all rows."""
        return sum(row.trainings for row in self.rows)

    def data(self) -> Tree:
        """Return the same in plain values."""
        return {
            "experiment": self.experiment,
            "title": self.title,
            **self.config.model_dump(),
            "modalities": dict(self.modalities),
            "rows": [asdict(row) for row in self.rows],
            "trainings": self.trainings,
            "remarks": list(self.remarks),
        }
