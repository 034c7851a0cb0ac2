"""The card of a packed run, as the Hugging Face hub shows it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from emocli.display import code, exact_json, markdown
from emocli.errors import ReportError
from emocli.evaluation.report import EvaluationReport
from emocli.models.licences import licences
from emocli.models.run_config import RunConfig
from emocli.models.rundir import CARD, REPORTS
from emocli.prediction.networks import Ensemble
from emocli.prediction.packing.assets import Assets
from emocli.prediction.packing.folder import Pack
from emocli.report.tables import bounds, markdown_rows

OTHER = "other"

SLUGS = MappingProxyType(
    {
        "cc0": "cc0-1.0",
        "cc0-1.0": "cc0-1.0",
        "cc0 1.0": "cc0-1.0",
        "cc by 4.0": "cc-by-4.0",
        "cc by-sa 4.0": "cc-by-sa-4.0",
        "cc by-nc 4.0": "cc-by-nc-4.0",
        "cc by-nc-sa 4.0": "cc-by-nc-sa-4.0",
        "cc by-nc-nd 4.0": "cc-by-nc-nd-4.0",
        "mit": "mit",
        "apache 2.0": "apache-2.0",
        "apache-2.0": "apache-2.0",
        "gpl-3.0": "gpl-3.0",
        "bsd-3-clause": "bsd-3-clause",
        "pddl": "pddl",
        "odbl": "odbl",
    }
)
"""What corpora call their licence, in small letters, to the hub's name of it."""

OWN = ("Validation", "Calibration", "Intervals")
"""Sections of the run's own card that are repeated, as far as it has them."""

TASKS = MappingProxyType({"single": "one of", "multi": "any of", "intensity": "the intensity of"})

RECORDING = """```
emocli predict USER/NAME interview.mp4 -o out/     # as it is called on the hub, or a folder
```

```python
import emocli

report = emocli.load_run("USER/NAME").predict(["interview.mp4"])
print([(s.start, s.label, s.confidence) for s in report.segments])
```"""

IMPORTED = """```python
import emocli

# MANIFEST of the clips, STORE with all features, those that emocli does not compute imported
predicted = emocli.load_run("USER/NAME").predict(MANIFEST, STORE)
print(predicted.labels, predicted.table())
```"""

HOW = """## How to use

With emocli installed (what it was made with is below):

{example}

Nothing in it is executed: it is safetensors, HDF5 and JSON, and every file is compared with its
SHA-256 in `pack.json` before it is read."""

USE = """## Intended use

Research on how emotions appear in text, voice and face, and the sorting of one's own recordings by
it. It tells how a person appears, not what a person feels, in recordings like those it was trained
on: other languages, cultures, ages, cameras and microphones were not tested unless it says so here.

Inferring emotions of people at work and in schools is prohibited in the European Union (AI Act,
Regulation (EU) 2024/1689, Art. 5(1)(f), except for medical or safety reasons); other recognition
of emotions is a high-risk use there (Annex III, 1(c)), of which people have to be told (Art.
50(3))."""


def licence_slug(config: RunConfig, terms: Mapping[str, str]) -> str:
    """Return the licence as the hub names it: the corpus's, if nothing else has terms of its own.

    ``other`` if that is not known, or anything that it is computed with has terms; see `terms_of`.
    """
    return OTHER if terms else SLUGS.get(config.licence.strip().lower(), OTHER)


def terms_of(config: RunConfig, features: Iterable[str], assets: Assets) -> dict[str, str]:
    """Return the terms of what features are computed with, or were imported in, by name."""
    terms = licences(config.features.values(), features)
    for each in assets.vectors:
        if each.words != "none":
            terms[each.feature] = f"that of the word vectors {each.file}"
    for asset in assets.packed:
        if asset.origin:
            terms[asset.feature] = f"that of the model {asset.origin}"
    return terms


def card(ensemble: Ensemble, pack: Pack, terms: Mapping[str, str]) -> str:
    """Write the card.

    Parameters
    ----------
    ensemble : Ensemble
        The networks.
    pack : Pack
        What is packed, but for the files.
    terms : mapping
        Those of what features are computed with, by feature.
    """
    config = ensemble.config
    parts = [
        _front(config, pack, terms),
        f"# {markdown(config.fusion)} on {markdown(config.dataset)}\n\n{_what(ensemble)}",
        HOW.format(example=IMPORTED if pack.imported else RECORDING),
        _needs(pack),
        _trained(ensemble),
        _metrics(ensemble),
        USE,
        _limits(ensemble, pack),
        _licence(config, pack, terms),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(config: RunConfig, pack: Pack, terms: Mapping[str, str]) -> str:
    """YAML; a JSON string is one of YAML too."""
    lines = [
        "---",
        "library_name: emocli",
        f"license: {pack.licence}",
        *([f"license_name: {_yaml(_names(config, terms))}"] if pack.licence == OTHER else []),
        "tags:",
        *(f"- {_yaml(tag)}" for tag in ("emotion-recognition", config.fusion, *config.dims)),
        "---",
    ]
    return "\n".join(lines)


def _yaml(text: str) -> str:
    return exact_json(json.dumps(text, ensure_ascii=False))


def _names(config: RunConfig, terms: Mapping[str, str]) -> str:
    own = [f"{name}: {text}" for name, text in terms.items()]
    return "; ".join([config.licence or "unknown, see the corpus", *own])


def _what(ensemble: Ensemble) -> str:
    config = ensemble.config
    views = ", ".join(f"{markdown(m)} ({markdown(v.feature)})" for m, v in config.features.items())
    networks = f"; the mean of {ensemble.networks} networks" if ensemble.networks > 1 else ""
    classes = ", ".join(map(markdown, config.classes))
    return f"Recognises {TASKS[config.task]} {classes} over time, from {views}{networks}."


def _needs(pack: Pack) -> str:
    lines = [f"- `{code(key)}`: {markdown(name)}" for key, name in pack.outside.items()]
    lines += [
        f"- `{code(name)}` is not computed by emocli: import it (`emocli import`)"
        for name in pack.imported
    ]
    scope = {"all": "all words of", "training": "the words of the training's corpus, out of"}
    for each in pack.vectors:
        file = f"`{code(each.file)}` ({each.bytes:,} bytes, SHA-256 `{each.sha256}`)"
        if each.words == "none":
            where = f"`--set {each.feature}.{each.setting}=FILE`"
            lines.append(f"- the word vectors {file}, which are not in it: {where}")
        else:
            unknown = f"a word that is not among them is {each.unknown}"
            lines.append(f"- in it are {scope[each.words]} {file}; {unknown}")
    return "## What it needs\n\n" + "\n".join(lines) if lines else ""


def _trained(ensemble: Ensemble) -> str:
    config = ensemble.config
    several = "s" if len(config.seeds) > 1 else ""
    seeds = f"seed{several} {', '.join(map(str, config.seeds))}"
    folds = f"; {len(ensemble.folds)} folds" if len(ensemble.folds) > 1 else ""
    repair = ensemble.folds[0].repair.label
    facts = {
        "Corpus": markdown(config.dataset),
        "Citation": markdown(config.citation),
        "Licence of the corpus": markdown(config.licence) or "not stated",
        "Networks": f"{ensemble.networks} ({seeds}{folds})",
        "Repair (what is done about modalities that are not trusted)": repair or "none",
        "Modality check": _advisory_check(ensemble),
        "Made with": ", ".join(f"{name} {v}" for name, v in config.versions.items()),
    }
    return "## Training\n\n" + "\n".join(f"- {key}: {v}" for key, v in facts.items() if v)


def _advisory_check(ensemble: Ensemble) -> str:
    """Describe a packed check that only reports anomaly scores; empty if there is none."""
    if not any(fold.advisory_check for fold in ensemble.folds):
        return ""
    hint = "`emocli predict --check` asks it what to trust, `--check --proxy` regenerates the rest"
    return f"packed, says how unusual each modality is; {hint}"


def _metrics(ensemble: Ensemble) -> str:
    measured = [_of_report(name, each) for name, each in _reports(ensemble.path)]
    none = "On test clips none: no evaluation was beside the run when it was packed."
    own = [section for fold in ensemble.folds for section in _own_sections(fold.path, ensemble)]
    return "\n\n".join(["## Metrics", *(measured or [none]), *own])


def _own_sections(fold: Path, ensemble: Ensemble) -> Iterator[str]:
    """Repeat what the card of the run, or of one of its folds, says of the validation clips."""
    try:
        text = (fold / CARD).read_text("utf-8")
    except OSError:
        return
    whose = "" if fold == ensemble.path else f", {fold.name}"
    for heading in OWN:
        _, _, after = text.partition(f"\n## {heading}\n")
        section, _, _ = after.partition("\n## ")
        if section:
            yield f"### {heading}{whose}\n{section.rstrip()}"


def _reports(run: Path) -> Iterator[tuple[str, EvaluationReport]]:
    for path in sorted((run / REPORTS).glob("*.json")):
        try:
            report = EvaluationReport.read(path)
        except ReportError:  # of something else, or of another version
            continue
        if report.split == "test":
            yield path.stem, report


def _of_report(name: str, report: EvaluationReport) -> str:
    """Yield the conditions of a report, each with the baselines on the same clips."""
    metrics = [m for m in report.definitions if m in report.clean.metrics]
    rows = []
    for each in report.conditions:
        low, high = _interval(each.accuracy_ci, each.accuracy_ci_clips)
        own = [f"{each.metrics[m]:.3f}" for m in metrics]
        rows.append((f"this, {each.label}", *own, bounds((low, high))))
        for model, fitted in (each.classical or {}).items():
            rows.append(
                (f"{model}, {each.label}", *(_formatted(fitted.metrics, m) for m in metrics), "")
            )
    for baseline, values in report.baselines.items():
        rows.append((baseline, *(_formatted(values, m) for m in metrics), ""))
    table = markdown_rows(("", *metrics, "accuracy, 95 %"), rows)
    what = "; ".join(f"{m}: {report.definitions[m]}" for m in metrics)
    where = f"{report.n} {report.split} clips of {markdown(report.dataset)} (report `{code(name)}`)"
    warned = "".join(f" {markdown(line)}." for line in report.warnings)
    return (
        f"{where}; interval: {markdown(report.interval)}.{warned}\n\n{table}\n\n{markdown(what)}."
    )


def _formatted(values: Mapping[str, float], metric: str) -> str:
    return f"{values[metric]:.3f}" if metric in values else "-"


def _interval(
    groups: tuple[float, float], clips: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the interval over groups of clips, or that over clips where these are too few."""
    known = groups[0] == groups[0]
    return groups if known or clips is None else clips


def _limits(ensemble: Ensemble, pack: Pack) -> str:
    remarks: Sequence[str] = list(dict.fromkeys(r for f in pack.folds.values() for r in f.remarks))
    lines = [f"- {markdown(remark)}" for remark in remarks]
    if not ensemble.calibrated and ensemble.config.task != "intensity":
        lines.append("- its probabilities were not calibrated")
    if ensemble.networks > 1:
        lines.append("- the mean of networks is less confident than each of them")
    lines.append(
        "- a modality that is not there is missing; `predictions.csv` says so for every row"
    )
    return "## Limits\n\n" + "\n".join(lines)


def _licence(config: RunConfig, pack: Pack, terms: Mapping[str, str]) -> str:
    if pack.licence != OTHER:
        return f"## Licence\n\n`{pack.licence}`, that of the corpus."
    known = markdown(_names(config, terms))
    return f"## Licence\n\nNone that the hub has a name for, or none that is known: {known}."
