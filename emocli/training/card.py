"""The README of a run: a model card in the layout of the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from emocli import plugins
from emocli.data.store.joined import parts_of
from emocli.display import code, exact_json, markdown
from emocli.metrics.metrics import COMMON, DEFINITIONS
from emocli.metrics.statistics import Spread
from emocli.models.run_config import RunConfig


def card(
    config: RunConfig, valid: Mapping[str, Spread], best: Sequence[int], notes: Sequence[str]
) -> str:
    """Write a model card.

    Parameters
    ----------
    config : RunConfig
        The run.
    valid : mapping
        Metric to its spread over the seeds, on the valid split.
    best : sequence of int
        Best epoch of each seed.
    notes : sequence of str
        What a reader should know about the data.
    """
    parts = [_front(config, valid), _title(config), _results(config, valid, best)]
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


def _results(config: RunConfig, valid: Mapping[str, Spread], best: Sequence[int]) -> str:
    rows = [
        f"| {name} | {_number(value)} | {DEFINITIONS[config.task][name]} |"
        for name, value in valid.items()
        if name in DEFINITIONS[config.task]
    ]
    seeds = ", ".join(str(seed) for seed in config.seeds)
    epochs = ", ".join(str(epoch) for epoch in best)
    return (
        "## Validation\n\n"
        f"Of the best epoch ({epochs}; seed {seeds}). It was chosen on this split, so the figures "
        "flatter; reports on the test split are in `reports/`.\n\n"
        "| figure | value | what it is |\n|---|---|---|\n" + "\n".join(rows)
    )


def _number(value: Spread) -> str:
    return f"{value.mean:.3f}" if value.n < 2 else f"{value.mean:.3f} ± {value.std:.3f}"


def _inputs(config: RunConfig) -> str:
    rows = [
        f"| {markdown(m)} | {markdown(v.feature)} | {v.dim} | `{v.fingerprint[:16]}` |"
        for m, v in config.features.items()
    ]
    return (
        "## Inputs\n\nFeatures, standardised by the train split (the statistics are in "
        "`model.safetensors`).\n\n"
        "| modality | feature | width | fingerprint |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "".join(f"\n\n{markdown(line)}" for line in _licences(config))
    )


def _licences(config: RunConfig) -> list[str]:
    """Say on what terms features may be used that not all may use."""
    names = {part for view in config.features.values() for part in parts_of(view.feature)}
    known = names.intersection(plugins.names("features"))
    described = (plugins.describe("features", name) for name in sorted(known))
    return [f"Licence of {each.name}: {each.licence}." for each in described if each.licence]


def _settings(config: RunConfig) -> str:
    def lines(section: str, values: Mapping[str, object]) -> list[str]:
        return [f"{section}.{key} = {json.dumps(value)}" for key, value in values.items()]

    sections = {
        "network": config.network,
        "train": config.train.model_dump(mode="json"),
        "robust": config.robust,
    }
    text = "\n".join(line for name, values in sections.items() for line in lines(name, values))
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
