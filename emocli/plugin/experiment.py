"""Experiments: a table of systems, the conditions they are tested under, and what a paper printed.

A module of kind ``experiments`` computes nothing. It offers

``Config``
    the experiment's own settings, section ``[experiment]``;
``table(config) -> Table``
    its systems.

A setting ``corpus`` of literals, the paper's corpora and ``other``, is that of the clips where the
command does not name one; a setting ``task`` is theirs, too. Of another corpus the paper has no
values, and none are `Row.printed`.

The name of the module is that of the experiment, with ``_`` for ``-``: ``rrnn_t2`` is what
``emocli reproduce rrnn-t2`` runs. Every row is trained with all folds and seeds and tested under
its conditions; the report compares them. A table of encoders has rows like ``Row("fixed margin",
encoder="audio", settings={"loss": {"amt": "fixed"}})``, and their metric: ``metrics=("nearest",)``.
Published systems are quoted as ``Row("Yoon et al. 2019", cited="Mittal 2020, Table 1",
printed={"clean": {"binary_accuracy": 0.776}})``: nothing of it is trained.

>>> class Config(Settings):
...     noise: tuple[str, ...] = ("0dB",)
>>> def table(config):
...     noisy = (Condition(f"audio {n}", read([f"audio:gaussian@{n}"])) for n in config.noise)
...     tested = (CLEAN, *noisy)
...     checked = Condition("audio 0dB", read(["audio:gaussian@0dB"]), RepairOptions(check=True))
...     return Table(
...         title="Fusion under noise",
...         rows=(
...             Row("audio", fusion="unimodal", modalities=("audio",), conditions=tested),
...             Row("gated", fusion="rrnn", conditions=tested, printed={"clean": {"uar": 0.6}}),
...             Row("gated, check", like="gated", conditions=(checked,)),
...             Row("SVM", baseline="svm", conditions=tested),
...         ),
...         comparisons=(("gated", "audio"), ("gated", "SVM")),
...     )
>>> [row.name for row in table(Config()).rows]
['audio', 'gated', 'gated, check', 'SVM']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from pydantic import model_validator

from emocli.config import Settings, Tree
from emocli.data.manifest import Task as Task
from emocli.data.record import Record
from emocli.errors import ConfigError
from emocli.plugin.encoder import PictureKind as PictureKind
from emocli.plugin.robustness import TRAINED
from emocli.plugin.robustness import CorruptionSpec as CorruptionSpec
from emocli.plugin.robustness import RepairOptions as RepairOptions
from emocli.plugin.robustness import RobustOptions as RobustOptions
from emocli.plugin.robustness import read as read


class Names(Settings):
    """Settings of which some are names of different things: modalities, or features of one.

    Of two settings with one name a row would lack what the table says it sees, and nobody would
    know.
    """

    DIFFERENT: ClassVar[tuple[tuple[str, ...], ...]] = (("text", "audio", "visual"),)
    """Settings that have to differ, group by group; those that there are."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for group in self.DIFFERENT:
            seen: dict[str, str] = {}
            for key, name in self._named(group):
                if not name.strip():
                    raise ValueError(f"{key} has to be a name")
                if name in seen:
                    raise ValueError(f"{seen[name]} and {key} are both called '{name}'")
                seen[name] = key
        return self

    def _named(self, group: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for key in group:
            if key in type(self).model_fields:
                yield key, getattr(self, key)


@dataclass(frozen=True)
class Condition:
    """A change of the test clips.

    Attributes
    ----------
    name : str
        As the table shows it; conditions of the same name are compared with each other.
    corrupt : tuple of CorruptionSpec
        What is done to the clips, what `emocli evaluate` takes after ``--corrupt``; texts are read.
    repair : RepairOptions
        How modalities are repaired: ``RepairOptions(check=True, proxy="knn_ls")``.
    """

    name: str
    corrupt: tuple[CorruptionSpec, ...] = ()
    repair: RepairOptions = TRAINED

    def __post_init__(self) -> None:
        object.__setattr__(self, "corrupt", read(self.corrupt))


CLEAN = Condition("clean")


@dataclass(frozen=True)
class Row:
    """A system, its training and the conditions of its test.

    Attributes
    ----------
    name : str
        As the table shows it.
    fusion : str
        The network's plug-in; or else
    baseline : str
        a baseline of `emocli.models.baselines`: the constants ``prior`` (the classes' frequencies,
        or the mean intensities), ``median`` and ``test_prior``; ``logistic``, the linear model of
        `emocli train`, and ``svm``, its support vector machine; ``svm_linear``, ``svm_nystroem``;
        or else
    like : str
        the name of another row: its trained networks are tested in another way; or else
    encoder : {'audio', 'face', 'scene'}
        what an encoder looks at, trained as by `emocli fit-encoder`; or else
    cited : str
        where its printed values stand, of a system that is only quoted: neither trained nor
        compared.
    modalities : tuple of str
        What it sees; empty for all there are.
    features : mapping
        Modality to the feature it is seen through, where that is not what the command chose.
    preset : str
        Of the network or encoder; empty for what the command says.
    settings : mapping
        ``{"network": {...}, "train": {...}}``, of an encoder ``{"train": ..., "loss": ...}``; laid
        over the preset.
    training : RobustOptions
        How clips are corrupted and repaired in training:
        ``RobustOptions(corrupt=read(["m3er75"]), check=True, proxy="knn_ls")``.
    conditions : tuple of Condition
        What it is tested under; the first one is what the others are compared with. Encoders see
        the clips as they are.
    printed : mapping
        Condition to metric to the number in the paper.
    printed_by_class : mapping
        Metric to class to the number in the paper, under the first condition.
    """

    name: str
    fusion: str = ""
    baseline: str = ""
    like: str = ""
    encoder: PictureKind | None = None
    cited: str = ""
    modalities: tuple[str, ...] = ()
    features: Mapping[str, str] = field(default_factory=dict)
    preset: str = ""
    settings: Tree = field(default_factory=dict)
    training: RobustOptions = field(default_factory=RobustOptions)
    conditions: tuple[Condition, ...] = (CLEAN,)
    printed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    printed_by_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class LinePoint(Record):
    """The result of a row under a condition, at one value of a setting."""

    value: float
    row: str
    condition: str = CLEAN.name


@dataclass(frozen=True)
class SweepLine(Record):
    """Points that are joined in a drawing."""

    name: str
    points: tuple[LinePoint, ...]


@dataclass(frozen=True)
class Sweep(Record):
    """Rows or conditions that differ in one number, drawn over it.

    Attributes
    ----------
    setting : str
        What the number is, as the axis shows it.
    lines : tuple of SweepLine
        What is drawn.
    log : bool
        Whether the axis is logarithmic.
    """

    setting: str
    lines: tuple[SweepLine, ...]
    log: bool = False


@dataclass(frozen=True)
class RowAnalysis:
    """An analysis of a row's trained networks, whose tables and figures join the report.

    Attributes
    ----------
    name : str
        As the report shows it; no two of a table have the same.
    row : str
        The row.
    analysis : str
        The plug-in.
    options : mapping
        Field of its ``Options`` to value, where it is not the default.
    """

    name: str
    row: str
    analysis: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SyntheticCorpus:
    """The corpus of ``--synthetic``, as far as rows and task of a table do not tell.

    Attributes
    ----------
    task : {'single', 'multi', 'intensity'}
        What is predicted, of a table about any task.
    aligned : bool
        Whether all modalities step with the words.
    corpus : str
        The paper's, whose values are printed for comparison; empty for none.
    classes : tuple of str
        Of clips that have one class each, where the table names classes: two or more, all
        different; four of its own if none is named.
    quick : mapping
        Sections of settings that make the table small, for ``--quick``.
    expected : tuple of (str, str)
        Pairs of rows, of which the first ought to do as well as the second, or better, under the
        last condition that both have; the report says whether it did, and nothing depends on it.
    """

    task: Task = "single"
    aligned: bool = False
    corpus: str = ""
    classes: tuple[str, ...] = ()
    quick: Tree = field(default_factory=dict)
    expected: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            what = f"{', '.join(self.classes)}: a synthetic corpus has two classes or more, no two"
            raise ConfigError(f"{what} of one name", hint="mend the table's SyntheticCorpus")


@dataclass(frozen=True)
class Table:
    """A table of a paper.

    Attributes
    ----------
    title : str
        What it is about.
    rows : tuple of Row
        The systems.
    metrics : tuple of str
        Metrics the table shows, the most important one first; the report has all.
    comparisons : tuple of (str, str)
        Pairs of rows: how much better is the first than the second, clip by clip, under every
        condition that both have; and how much less does it lose by each.
    recoveries : tuple of (str, str, str)
        Three rows, each under its first condition: of what the third gets right beyond the second,
        how much does the first?
    alternatives : tuple of str
        Rows that differ in one choice: the report says which of them is best on the valid clips.
    by_class : tuple of str
        Metrics that are also shown class by class, under each row's first condition; the first of
        them is drawn.
    sweeps : tuple of Sweep
        What the first figure is drawn over, a panel each.
    analyses : tuple of RowAnalysis
        What is done with trained rows, after all of them are tested.
    check_preset : str
        Of the modality check, where the command says none; empty for the command's own default.
    task : str, optional
        The task the table is about; None for any.
    sizes : mapping
        Sections of settings that the paper has for this corpus: those of rows of preset ``paper``,
        where neither the command nor the row says otherwise.
    features : tuple of str
        What the paper's own extractors make of clips, one feature per modality, for
        ``--from-clips``; none if it has none.
    synthetic : SyntheticCorpus
        What ``--synthetic`` generates beyond what the rows need.
    notes : tuple of str
        What a reader should know, a line each: where the paper leaves a choice, and which is taken.
    """

    title: str
    rows: tuple[Row, ...]
    metrics: tuple[str, ...] = ("accuracy", "uar", "weighted_f1")
    comparisons: tuple[tuple[str, str], ...] = ()
    recoveries: tuple[tuple[str, str, str], ...] = ()
    alternatives: tuple[str, ...] = ()
    by_class: tuple[str, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    analyses: tuple[RowAnalysis, ...] = ()
    check_preset: str = ""
    task: Task | None = None
    sizes: Tree = field(default_factory=dict)
    features: tuple[str, ...] = ()
    synthetic: SyntheticCorpus = SyntheticCorpus()
    notes: tuple[str, ...] = ()
