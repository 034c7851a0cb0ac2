"""The README of a run: a model card in the layout of the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from emocli.config import Tree
from emocli.data.normalisation import USED
from emocli.display import code, exact_json, markdown
from emocli.metrics.metrics import COMMON, definitions
from emocli.metrics.statistics import Spread
from emocli.models.calibration import COVERAGE, Calibration
from emocli.models.classical import KINDS
from emocli.models.licences import licences
from emocli.models.run_config import RunConfig

BASELINES = (
    "Beside the network: classical models of the same features and splits, which see the mean, "
    "deviation and maximum of each view; their C was chosen on this split. {}."
)


def card(
    config: RunConfig,
    valid: Mapping[str, Spread],
    best: Sequence[int],
    notes: Sequence[str],
    baselines: Mapping[str, Mapping[str, float]],
    calibrations: Sequence[Calibration] = (),
) -> str:
    """Write a model card.

    Parameters
    ----------
    config : RunConfig
        The run.
    valid : mapping
        Metric to its spread over the seeds, on the valid split.
    best : sequence of int
        Epoch that is kept of each seed.
    notes : sequence of str
        What a reader should know about the data.
    baselines : mapping
        Classical baseline to its metrics, on the valid split.
    calibrations : sequence of Calibration
        Of each seed.
    """
    parts = [_front(config, valid), _title(config), _results(config, valid, best, baselines)]
    parts += [_calibration(calibrations)]
    parts += [_inputs(config), _settings(config), _origin(config)]
    if notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {markdown(note)}" for note in notes))
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(config: RunConfig, valid: Mapping[str, Spread]) -> str:
    """YAML; a JSON string is one of YAML too."""
    metrics = [
        f"    - type: {name}\n      value: {valid[name].mean:.4f}\n      name: {name} (valid)"
        for name in COMMON
    ]
    lines = [
        "---",
        "library_name: emocli",
        "tags:",
        *(f"- {json.dumps(tag)}" for tag in ("emotion-recognition", config.fusion, *config.dims)),
        "license: other",
        f"license_name: {_yaml(config.licence or 'see the corpus')}",
        "model-index:",
        f"- name: {json.dumps(config.fusion)}",
        "  results:",
        "  - task:",
        "      type: emotion-recognition",
        "    dataset:",
        f"      name: {_yaml(config.dataset)}",
        f"      type: {_yaml(config.dataset)}",
        "      split: valid",
        "    metrics:",
        *metrics,
        "---",
    ]
    return "\n".join(lines)


def _yaml(text: str) -> str:
    return exact_json(json.dumps(text, ensure_ascii=False))


def _title(config: RunConfig) -> str:
    views = ", ".join(
        f"{markdown(m)} ({markdown(view.feature)})" for m, view in config.features.items()
    )
    kinds = {
        "single": "one of",
        "multi": "any of",
        "intensity": "the intensity of each of",
    }
    return (
        f"# {markdown(config.fusion)} on {markdown(config.dataset)}\n\n"
        f"Recognises {kinds[config.task]} {', '.join(map(markdown, config.classes))} from {views}."
    )


def _results(
    config: RunConfig,
    valid: Mapping[str, Spread],
    best: Sequence[int],
    baselines: Mapping[str, Mapping[str, float]],
) -> str:
    def baseline_cells(metric: str) -> str:
        return "".join(f" {metrics[metric]:.3f} |" for metrics in baselines.values())

    known = definitions(config.task, config.classes)
    rows = [
        f"| {name} | {_number(value)} |{baseline_cells(name)} {known[name]} |"
        for name, value in valid.items()
        if name in known
    ]
    seeds = ", ".join(str(seed) for seed in config.seeds)
    epochs = ", ".join(str(epoch) for epoch in best)
    kept, chosen = "last", "; where settings were searched on this split, the metrics flatter"
    if config.train.patience:
        kept, chosen = "best", ", which was chosen on this split, so that the metrics flatter"
    kinds = "; ".join(f"`{name}` is {KINDS[name].what}" for name in baselines)
    return (
        "## Validation\n\n"
        f"Of the {kept} epoch ({epochs}; seed {seeds}){chosen}; `emocli evaluate` reports on the "
        f"test split.{_refit(config, bool(baselines))}\n\n"
        f"| metric | value |{''.join(f' {name} |' for name in baselines)} what it is |\n"
        f"|---|---|{'---|' * len(baselines)}---|\n" + "\n".join(rows)
    ) + (f"\n\n{BASELINES.format(kinds)}" if baselines else "")


def _refit(config: RunConfig, baselines: bool) -> str:
    if not config.train.refit:
        return ""
    kept = ", and so were the classical models: these are" if baselines else ": that is"
    return (
        " Then the network was trained anew, on train and valid split together, for as many "
        f"epochs{kept} what is kept. Features are "
        "standardised, and proxies made, by both splits; a modality check stays that of the train "
        "split, for its thresholds need clips it never saw."
    )


def _number(value: Spread) -> str:
    return f"{value.mean:.3f}" if value.n < 2 else f"{value.mean:.3f} ± {value.std:.3f}"


def _calibration(calibrations: Sequence[Calibration]) -> str:
    """Say what the probabilities are divided by, or how wide the intervals are."""
    if not calibrations:
        return ""
    clips, first = calibrations[0].clips, _of_first_fit(calibrations)
    lines = [
        f"- temperature {each.temperature:.3g}: expected calibration error {each.error_before:.3f} "
        f"before, {each.error_after:.3f} after"
        for each in calibrations
        if None not in (each.temperature, each.error_before, each.error_after)
    ]
    widths = [
        f"- {', '.join(f'{markdown(n)} ± {w:.3g}' for n, w in each.half_width.items())}"
        for each in calibrations
        if each.half_width
    ]
    if widths:
        intro = f"Intervals that hold {COVERAGE:.0%} of the {clips} validation clips:"
        return f"## Intervals\n\n{intro}{first}\n\n" + "\n".join(widths)
    folder = "" if len(calibrations) < 2 else "seed-N/"
    intro = (
        f"Logits are divided by a temperature, fitted to the {clips} validation clips (in "
        f"`{folder}calibration.json`). These errors are of the same clips, so they flatter; those "
        "of the test split, clean and corrupted, are in the reports of `emocli evaluate`."
    )
    return f"## Calibration\n\n{intro}{first}\n\n" + "\n".join(lines)


def _of_first_fit(calibrations: Sequence[Calibration]) -> str:
    """Say that validation results are those of the first fit, not of the refitted network."""
    if not any(each.fitted_before_refit for each in calibrations):
        return ""
    return (
        " They are of the first fit, before the network was trained anew on these clips too, and "
        "are taken over as they were."
    )


def _inputs(config: RunConfig) -> str:
    rows = [
        f"| {markdown(m)} | {markdown(v.feature)} | {v.dim} | `{v.fingerprint[:16]}` |"
        for m, v in config.features.items()
    ]
    return (
        f"## Inputs\n\nFeatures, standardised by the {_learnt(config)} (the statistics are in "
        f"`model.safetensors`).{_normalised(config)}\n\n"
        "| modality | feature | width | fingerprint |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "".join(
            f"\n\n{markdown(f'Licence of {name}: {text}.')}"
            for name, text in licences(config.features.values()).items()
        )
    )


def _normalised(config: RunConfig) -> str:
    if config.train.normalise == "none":
        return ""
    return (
        f" Before that they are {USED}: every number of this network says how well it knows people "
        "of whom it has other clips, and is to be compared with numbers reached the same way. The "
        "statistics of the speakers of the train and valid split are in `speakers.safetensors`, "
        "by name; new speakers have those of their own clips, shrunk towards the train split's: "
        f"n clips count n / (n + {config.train.shrinkage:g}), below {config.train.least_clips} "
        "not at all."
    )


def _learnt(config: RunConfig) -> str:
    return "train and valid split" if config.train.refit else "train split"


def _settings(config: RunConfig) -> str:
    sections: dict[str, Tree] = {
        "network": config.network,
        "train": config.train.model_dump(mode="json"),
        "robust": config.robust,
    }
    text = "\n".join(
        f"{section}.{key} = {json.dumps(value)}"
        for section, values in sections.items()
        for key, value in values.items()
    )
    return f"## Settings\n\nPreset `{config.preset}`.\n\n```\n{code(text)}\n```"


def _origin(config: RunConfig) -> str:
    facts = {
        "Corpus": markdown(config.dataset),
        "Licence of the corpus": markdown(config.licence),
        "Citation": markdown(config.citation),
        "Fold": config.fold and f"number {config.fold.index} of {config.fold.count} is tested",
        "Manifest": f"`{config.manifest.fingerprint[:16]}`",
        "Made with": ", ".join(f"{name} {v}" for name, v in config.versions.items()),
    }
    return "## Origin\n\n" + "\n".join(f"- {key}: {v}" for key, v in facts.items() if v)
