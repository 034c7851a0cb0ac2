"""M3ER under noise: ablation of loss, modality check and proxies, and other networks.

Table 2 (a), IEMOCAP, and (b), CMU-MOSEI, column "Experiments": 'original loss' is "Original
Multiplicative Fusion (Liu et al. 2018)", equation 2; 'M3ER' the second line, both without
ineffectual modalities; with them, 'noisy' is "M3ER - Modality Check Step - Proxy Feature Vector",
'noisy, check' is "M3ER - Proxy Feature Vector", 'noisy, check and proxy' is the last "M3ER".
Columns "Overall" are in the first tables, those of each emotion in the ones class by class. Of
IEMOCAP networks are asked each class by itself, as section 6 says. All other rows are ours: those
five with a softmax over IEMOCAP's classes, M3ER asked one class against the rest of another corpus
with one class per clip, the check fitted on noisy clips ("as given"), what else could be done about
noise, networks trained on clean clips, and the truth in place of the check.

Source: Mittal et al. 2020, Table 2 and section 5.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from emocli.config import Settings, Tree, merge
from emocli.data.manifest import Task
from emocli.experiments.papers._mittal import (
    CLASSES,
    OVERALL,
    PER_CLASS,
    CorpusName,
    Known,
    as_in_paper,
    by_class,
    corpus_of_paper,
    note,
    other_objective,
    overall,
)
from emocli.plugin.experiment import Condition, RepairOptions, Row, SyntheticCorpus, Table, read
from emocli.quantities import Dropped, Factor


class Config(Settings):
    """Settings: the corruption, its repair, and the values it is compared with.

    Attributes
    ----------
    corrupt : str
        What happens to train, valid and test clips of the noisy rows.
    proxy : str
        Preset of the proxies, as ``--proxy`` takes it.
    ridge : float, optional
        Regularisation of the proxies; that of their preset if none is given.
    modality_dropout : float
        ``train.modality_dropout`` of the row that learns to do without modalities.
    printed : {'mosei', 'iemocap', 'other'}
        Corpus whose values of the paper are printed for comparison, by default the one the clips
        are of, if the paper has any.
    task : {'single', 'multi', 'intensity'}, optional
        Task of the clips, by default as their manifest says.
    """

    corrupt: str = "m3er75"
    proxy: str = "paper"
    ridge: Factor | None = None
    modality_dropout: Dropped = 0.25
    printed: Known = "other"
    task: Task | None = None


COMPARISONS = (
    ("noisy, check", "noisy"),
    ("noisy, check and proxy", "noisy"),
    ("noisy, check and proxy", "noisy, check"),
    ("noisy, check, trained on proxies", "noisy, check"),
    ("noisy, check and proxy", "noisy, check and zeros"),
    ("noisy, check and proxy", "noisy, modality dropout"),
    ("noisy, check and proxy", "noisy, check, modality dropout"),
    ("noisy, check and proxy", "noisy, oracle and proxy"),
    ("noisy, check (as given)", "noisy"),
    ("noisy, check and proxy (as given)", "noisy"),
    ("noisy, check and proxy (as given)", "noisy, check (as given)"),
    ("noisy, check (as given)", "noisy, check"),
    ("noisy, check and proxy (as given)", "noisy, check and proxy"),
    ("noisy, check, trained on proxies (as given)", "noisy, check, trained on proxies"),
    ("noisy, check, modality dropout (as given)", "noisy, check, modality dropout"),
    ("trained clean, check", "trained clean"),
    ("trained clean, check and proxy", "trained clean"),
    ("trained clean, check and proxy", "trained clean, check"),
    ("trained clean, check and proxy", "trained clean, oracle and proxy"),
)
"""Repairs that are compared."""

EXPECTED = (
    ("noisy, check and proxy", "noisy, check"),
    ("noisy, check", "noisy"),
    ("M3ER", "original loss"),
)
"""The better system first, on a synthetic corpus."""


def table(config: Config) -> Table:
    """Return the table: the paper's five rows, what else could be done, and the truth."""
    corpus = corpus_of_paper(config.printed, config.task)
    systems = (*_clean(), *_repaired(config), Row("logistic regression", baseline="logistic"))
    rows = tuple(_with_printed_values(as_in_paper(row, corpus), corpus) for row in systems)
    twice = {row.name: other for row, other in _other_ways(systems, corpus, config.task)}
    return Table(
        title="M3ER: the loss on clean clips; check and proxies on noisy ones",
        rows=(*rows, *twice.values()),
        metrics=("accuracy", "binary_accuracy", "binary_f1", "weighted_f1", "macro_f1"),
        comparisons=(
            *(("M3ER", other) for other in ("original loss", "logistic regression")),
            *((name, other.name) for name, other in twice.items()),
            *COMPARISONS,
        ),
        recoveries=tuple(_recoveries(rows)),
        synthetic=SyntheticCorpus(
            task="single" if config.printed == "iemocap" else "multi",
            corpus="mosei",
            classes=CLASSES["iemocap"],
            aligned=True,
            expected=EXPECTED,
        ),
        by_class=("f1_pos", *PER_CLASS),
        notes=(*_notes(config), note(corpus)),
    )


def _clean() -> tuple[Row, Row]:
    """Return the rows of clean clips."""
    original: Tree = {"network": {"loss": "orig"}}
    return Row("original loss", fusion="m3er", settings=original), Row("M3ER", fusion="m3er")


def _other_ways(
    rows: Sequence[Row], corpus: CorpusName | None, task: Task | None
) -> Iterator[tuple[Row, Row]]:
    """Yield rows, and those of the paper (else M3ER alone) with the other objective, too."""
    names = ("M3ER",) if corpus is None else tuple(OVERALL[corpus])
    for row in rows:
        other = other_objective(row, corpus, task) if row.name in names else None
        if other is not None:
            yield row, other


def _repaired(config: Config) -> Iterator[Row]:
    """Yield the rows of noisy clips: repaired in training and test, and in the test alone."""
    noisy = Condition("noisy", read([config.corrupt]))
    proxies: Tree = {} if config.ridge is None else {"proxy": {"ridge": config.ridge}}
    nothing, check, oracle = RepairOptions(), RepairOptions(check=True), RepairOptions(oracle=True)
    check_proxy, oracle_proxy = (replace(each, proxy=config.proxy) for each in (check, oracle))

    def trained(name: str, repair: RepairOptions, settings: Tree | None = None) -> Row:
        return Row(
            name,
            fusion="m3er",
            settings=merge({"robust": proxies} if repair.proxy else {}, settings or {}),
            training=repair.corrupting(*noisy.corrupt),
            conditions=(noisy,),
        )

    def as_given(name: str, repair: RepairOptions, settings: Tree | None = None) -> Row:
        noisy_fit: Tree = {"robust": {"fit_on": "as_given"}}
        return trained(f"{name} (as given)", repair, merge(noisy_fit, settings or {}))

    dropout: Tree = {"train": {"modality_dropout": config.modality_dropout}}
    learning: Tree = {"robust": {"train_on_proxy": True}}
    yield trained("noisy", nothing)
    yield trained("noisy, check", check)
    yield trained("noisy, check and proxy", check_proxy)
    yield trained("noisy, check, trained on proxies", check_proxy, learning)
    yield trained("noisy, check and zeros", replace(check, fill="zero"))
    yield trained("noisy, check and means", replace(check, fill="mean"))
    yield trained("noisy, modality dropout", nothing, dropout)
    yield trained("noisy, check, modality dropout", check, dropout)
    yield as_given("noisy, check", check)
    yield as_given("noisy, check and proxy", check_proxy)
    yield as_given("noisy, check, trained on proxies", check_proxy, learning)
    yield as_given("noisy, check and zeros", replace(check, fill="zero"))
    yield as_given("noisy, check and means", replace(check, fill="mean"))
    yield as_given("noisy, check, modality dropout", check, dropout)
    yield trained("noisy, oracle", oracle)
    yield trained("noisy, oracle and proxy", oracle_proxy)
    yield as_given("noisy, oracle and proxy", oracle_proxy)
    for each in (nothing, check, check_proxy, oracle, oracle_proxy):
        by = "check" if each.check else "oracle" if each.oracle else ""
        name = "trained clean" + (f", {by}" if by else "") + (" and proxy" if each.proxy else "")
        repair = replace(each, settings=proxies) if each.proxy else each
        yield Row(name, like="M3ER", conditions=(replace(noisy, repair=repair),))


def _with_printed_values(row: Row, corpus: CorpusName | None) -> Row:
    """Add the paper's values to a row, if it prints any."""
    if corpus is None or row.name not in OVERALL[corpus]:
        return row
    printed = {row.conditions[0].name: overall(row.name, corpus)}
    return replace(row, printed=printed, printed_by_class=by_class(row.name, corpus))


def _recoveries(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    """Yield recoveries: the share of the loss to noise that a repair, and the oracle, recovers."""
    for start in ("noisy", "trained clean"):
        repaired = [row.name for row in rows if row.name.startswith(f"{start}, ")]
        yield from ((name, start, "M3ER") for name in repaired)
        for kind in ("", " and proxy"):
            yield f"{start}, check{kind}", start, f"{start}, oracle{kind}"
    for kind in ("", " and proxy"):
        yield f"noisy, check{kind} (as given)", "noisy", f"noisy, oracle{kind}"


def _notes(config: Config) -> tuple[str, ...]:
    return (
        f"noisy: {config.corrupt} in train, valid and test clips, as the paper corrupts its "
        "datasets; trained clean: in test clips alone",
        "noisy, check and proxy: discards in training and regenerates in validation and test, "
        "as the paper does",
        "check and means: for features that are one vector per clip the same as discarding",
        "as given: check, thresholds and proxies are fitted on noisy clips, and nobody says "
        "which these are; else on clean ones, which who has a noisy corpus lacks",
        "oracle: knows what is corrupted; in place of the check",
        "the paper's overall F1 and mean accuracy are means over classes of 'this class or not'; "
        "accuracy and F1 of one class out of several are other metrics, of which the paper has no "
        "values",
        "the paper does not say which F1 of a class it takes: its values are compared with that of "
        "present and absent, weighted by their clips",
    )
