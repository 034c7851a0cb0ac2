"""Greedy tuning: settings chosen one after the other, by the validation split alone.

Every value of the first setting is trained with the others as they are, and the best one kept;
then the second, and so on. Only the run that has all that was chosen is given its last fit
(``train.refit``). The test split stays sealed, as in any training.

Source: Chudasama et al. 2022, CVPR workshops, sec. 4.2: the encoder layers of each modality, N_T,
N_A and N_V, are "tuned using a greedy scheme".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emocli.config import Tree, merge, parse_sets
from emocli.data.durable import locked, used_folder, write_text
from emocli.data.json_io import as_json
from emocli.errors import ConfigError, RunError
from emocli.metrics.metrics import ERRORS
from emocli.models import rundir
from emocli.training.summaries import TrainSummary
from emocli.training.train import TrainRequest
from emocli.training.tuning.journal import JOURNAL
from emocli.training.tuning.study_summary import (
    GREEDY_REPORT,
    REPORT,
    TriedValue,
    TuneSummary,
    network_versions,
    normalised,
)
from emocli.version import version


@dataclass(frozen=True)
class Candidates:
    """A setting and the values to try: ``network.layers.text`` and ``1``, ``2``, ``3``."""

    setting: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Candidates:
        """Read ``network.layers.text=1,2,3``.

        Raises
        ------
        ConfigError
            If it is not of that form, or a value is there twice.
        """
        setting, _, listed = text.partition("=")
        values = tuple(value.strip() for value in listed.split(","))
        if not setting.strip() or not all(values) or len(set(values)) < len(values):
            what = f"'{text}' is no setting with different values"
            hint = "write KEY=VALUE,VALUE,..., e.g. network.layers.text=1,2,3"
            raise ConfigError(what, where="--try", hint=hint)
        return cls(setting.strip(), values)

    def settings(self, value: str) -> Tree:
        """Return the settings that give it a value."""
        return parse_sets([f"{self.setting}={value}"])


@dataclass(frozen=True)
class Study:
    """A greedy tuning to be carried out.

    Attributes
    ----------
    base : TrainRequest
        What every trial has; its ``run`` is the folder of the study.
    candidates : sequence of Candidates
        What is tried, in order.
    """

    base: TrainRequest
    candidates: Sequence[Candidates]

    def check(self) -> int:
        """Return the number of trials at most.

        Raises
        ------
        EmocliError
            If a value would be refused, a setting is named twice, or the folder holds a study of
            another kind; nothing has been written.
        """
        settings = [each.setting for each in self.candidates]
        if not settings or len(set(settings)) < len(settings):
            what = "names a setting twice" if settings else "names no setting"
            raise ConfigError(what, where="--try", hint="write --try KEY=VALUE,VALUE once for each")
        if (self.base.run / REPORT).is_file() or (self.base.run / JOURNAL).is_file():
            what = "holds a study of another kind"
            raise RunError(what, where=self.base.run, hint="choose another --study")
        for each in self.candidates:
            for value in each.values:
                tree = merge(self.base.settings, each.settings(value))
                replace(self.base, run=self._run(0, each, value), settings=tree).plan()
        return sum(len(each.values) for each in self.candidates)

    def tune(self, say: Callable[[str], None] = lambda line: None) -> TuneSummary:
        """Train what is not trained yet, choose, and write the report.

        Raises
        ------
        EmocliError
            If something is refused, or the folder holds trainings of other settings.
        """
        self.check()
        folder = self.base.run
        with used_folder(folder), locked(folder / ".lock"):
            summary = self._tuned(say)
            write_text(folder / GREEDY_REPORT, as_json(summary))
        return summary

    def _tuned(self, say: Callable[[str], None]) -> TuneSummary:
        tree: Tree = dict(self.base.settings)
        known: dict[str, TrainSummary] = {}
        trials: list[TriedValue] = []
        chosen: dict[str, str] = {}
        for step, each in enumerate(self.candidates, 1):
            tried = {}
            for value in each.values:
                say(f"{each.setting} = {value}")
                tried[value] = self._trained(
                    merge(tree, each.settings(value)), self._run(step, each, value), known
                )
            best = self._best(tried)
            chosen[each.setting] = best
            tree = merge(tree, each.settings(best))
            trials += [_trial(each, v, summary, v == best) for v, summary in tried.items()]
        last = self._request(tree, tried[best].run).train()
        return TuneSummary(
            format=TuneSummary.FORMAT,
            emocli=version(),
            versions=network_versions(self.base.fusion),
            study=str(self.base.run),
            fusion=self.base.fusion,
            monitor=last.monitor,
            trials=tuple(trials),
            chosen=chosen,
            run=str(last.run),
            valid=last.valid[last.monitor],
            normalised=normalised(rundir.read_config(last.run).train, chosen),
        )

    def _trained(self, tree: Tree, run: Path, known: dict[str, TrainSummary]) -> TrainSummary:
        """Train up to the last fit, unless it is what was trained for an earlier setting."""
        request = self._request(tree, run)
        key = json.dumps(request.resolved(), sort_keys=True)
        if key not in known:
            known[key] = replace(request, last_fit=False).train()
        return known[key]

    def _request(self, tree: Tree, run: Path) -> TrainRequest:
        return replace(self.base, run=run, settings=tree, baselines=False)

    def _best(self, tried: Mapping[str, TrainSummary]) -> str:
        """Return the value that validates best; of equal ones the first that was named."""

        def score(value: str) -> float:
            summary = tried[value]
            metric = summary.valid[summary.monitor]
            return -metric if summary.monitor in ERRORS else metric

        return max(tried, key=score)

    def _run(self, step: int, each: Candidates, value: str) -> Path:
        return self.base.run / f"{step}-{each.setting}-{value}".replace("/", "_")


def _trial(each: Candidates, value: str, summary: TrainSummary, chosen: bool) -> TriedValue:
    monitor = summary.monitor
    return TriedValue(
        setting=each.setting,
        value=value,
        run=str(summary.run),
        parameters=summary.parameters,
        valid=summary.valid[monitor],
        valid_std=summary.valid_std.get(monitor, math.nan),
        chosen=chosen,
    )
