"""The search for settings: trials of Optuna, judged by the validation split alone.

A trial is a training like any other, in a folder of its own, up to the last fit (``train.refit``),
which the chosen one alone is given. The test split stays sealed. All that is known of the trials is
in the journal: a search that was killed goes on with the trials that were going on, epoch by epoch,
and with one worker ends as one that was not. What is drawn depends on the seed, the trial's number
and the trials that have ended.

Source: Akiba et al. 2019, KDD (Optuna); Bergstra et al. 2011, NeurIPS (TPE).
"""

from __future__ import annotations

import json
import math
import os
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from emocli.config import leaves, merge, nested
from emocli.data.durable import locked, used_folder
from emocli.data.pool import Progress, open_pool
from emocli.errors import ConfigError, EmocliError, EmocliWarning, RunError
from emocli.metrics.metrics import ERRORS
from emocli.models import rundir
from emocli.models.rundir import EpochMetrics
from emocli.models.settings import TrainConfig
from emocli.report.canvas import StyleName
from emocli.space import Space, Value
from emocli.training.fusion_task import make_criterion
from emocli.training.settings import corpus_size, read_settings
from emocli.training.train import TrainRequest
from emocli.training.tuning.journal import (
    JOURNAL,
    Sampler,
    again,
    differing,
    drop_half_line,
    ended,
    load_optuna,
    open_study,
    read_asked,
    started,
)
from emocli.training.tuning.ranges import with_default
from emocli.training.tuning.study_summary import Rule, Trial, TrialOutcome, best_of

UNNOTED = (
    "the version that began this study did not note its defaults; where one has changed since, its "
    "trials are not comparable; choose another --study to be certain"
)

SEEDS = 1_000_003
"""The seed of a trial's sampler is that of the search times this, and the trial's number."""


class PrunedTrialError(Exception):
    """The end of a trial that does not look promising."""


@dataclass(frozen=True)
class Search:
    """A search to be carried out.

    Attributes
    ----------
    base : TrainRequest
        What every trial has; its ``run`` is the folder of the study.
    space : mapping
        Setting to its range, as declared or named by a command.
    trials : int
        So many, those included that an earlier command has done.
    sampler : {'tpe', 'random'}
        What draws.
    seed : int
        Of that.
    prune : bool
        Whether a trial, but the first, ends early whose best epoch so far is worse than the median
        of what the others had after as many.
    style : {'screen', 'paper'}
        The look of the page's figures.
    chosen_seeds : int, optional
        Seeds with which the chosen settings are trained, in a folder of their own beside the
        trials; by default the chosen trial's own networks are kept.
    choose : {'one-se', 'best'}
        Which trial is chosen, see `emocli.training.tuning.chosen`; no trial depends on it.
    """

    base: TrainRequest
    space: Space
    trials: int = 30
    sampler: Sampler = "tpe"
    seed: int = 0
    prune: bool = True
    style: StyleName = "screen"
    chosen_seeds: int | None = None
    choose: Rule = "one-se"

    @property
    def folder(self) -> Path:
        """Where the trials are."""
        return self.base.run

    @cached_property
    def ranges(self) -> Space:
        """The space, widened by the default where no command has named a range."""
        return with_default(self.space, self.base)

    def run(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.folder / f"trial-{number:04d}"

    def final(self, number: int) -> Path:
        """Return the folder of what is trained with a trial's settings and `chosen_seeds`."""
        return self.folder / f"final-{number:04d}"

    @cached_property
    def monitor(self) -> str:
        """The validation metric that decides."""
        base = self.base
        _, training, _ = read_settings(base.fusion, base.preset, base.settings)
        return training.monitored(base.manifest.task)

    @property
    def lower(self) -> bool:
        """Whether less of it is better."""
        return self.monitor in ERRORS

    def check(self) -> None:
        """Refuse what no trial could do; nothing has been written.

        Raises
        ------
        EmocliError
            If the base does not fit, the space is empty or names what there is not, Optuna is not
            installed, or the folder holds another study or something else.
        """
        load_optuna()
        if not self.space:
            what = f"'{self.base.fusion}' declares no search space for what is not set"
            raise ConfigError(what, hint="name ranges: --space KEY=LOW..HIGH")
        now = self._identity()  # reads the corpus and its stores
        list(self._at_ends())
        self._require_own(now)

    @cached_property
    def _inputs(self) -> dict[str, str]:
        """Fingerprints of the feature of each modality, and of the modality check if it is used."""
        seeds = max(self.base.seeds, self.chosen_seeds or 0)
        (training,) = replace(self.base, seeds=seeds).trainings()
        config = training.config
        features = {name: view.fingerprint for name, view in config.features.items()}
        return {**features, "check": config.check} if config.check else features

    def _at_ends(self) -> Iterator[TrainConfig]:
        """Read the settings with each value that a range ends at; yield the training's."""
        base = self.base
        size = corpus_size(base.manifest, base.fusion)
        for name, each in self.ranges.items():
            for value in each.ends():
                tree = merge(base.settings, nested({name: value}))
                yield read_settings(base.fusion, base.preset, tree, size)[1]

    def _warn_of_idle(self) -> None:
        """Warn of values that ask for what never happens."""
        lines = [line for training in self._at_ends() for line in training.idle]
        if lines:
            what = f"some values in the search space do nothing: {', '.join(dict.fromkeys(lines))}"
            warnings.warn(f"{what}; name others with --space", EmocliWarning, stacklevel=3)

    def carry_out(
        self,
        workers: int,
        progress: Progress = lambda done, total: None,
        scheduler: str | None = None,
    ) -> None:
        """Do what is left of the trials, in processes or on the cluster of a Dask ``scheduler``.

        Raises
        ------
        EmocliError
            If something is refused, the folder holds another study, or no trial comes to its end.
        """
        self.check()
        with used_folder(self.folder), locked(self.folder / ".lock"):
            going = self._begin()
            self._warn_of_idle()
            done = len(self.ended())
            progress(done, self.trials)
            items = [*going, *[None] * max(0, self.trials - done - len(going))]
            with open_pool(workers, scheduler) as pool:
                for count, _ in enumerate(pool.results(self.trial, items), done + 1):
                    progress(count, self.trials)
                    self._tidy()
            self._tidy()  # what a kill just before the last one has left
        self._report_failed()

    def _report_failed(self) -> None:
        """Warn of trials that failed, with why the first did; refuse where none has succeeded."""
        ended = self.ended()
        failed = [trial for trial in ended if trial.state == "failed"]
        why = next((f" ({trial.error})" for trial in failed if trial.error), "")
        hint = "choose narrower ranges with --space"
        if not any(trial.state == "complete" for trial in ended):
            what = f"none of {len(ended)} trials came to its end{why}"
            raise RunError(what, where=self.folder, hint=hint)
        if failed:
            what = f"{len(failed)} of {len(ended)} trials failed{why}"
            warnings.warn(f"{self.folder}: {what}; {hint}", EmocliWarning, stacklevel=3)

    def _begin(self) -> list[int]:
        """Make sure that the folder is that of this study; return the trials that are going on."""
        now = self._identity()
        drop_half_line(self.folder / JOURNAL)
        self._require_own(now)
        study = self._study(0)
        was = study.user_attrs.get("asked")
        if was is None:
            study.enqueue_trial(self._default(), skip_if_exists=True)
            study.set_user_attr("asked", now)
        elif "default" not in was:
            warnings.warn(f"{self.folder}: {UNNOTED}", EmocliWarning, stacklevel=2)
        return [each.number for each in study.trials if each.state.name == "RUNNING"]

    def _require_own(self, now: Mapping[str, str]) -> None:
        """Refuse a folder that holds another study, or something else."""
        if not (self.folder / JOURNAL).is_file():
            rundir.require_empty(self.folder, "a study")
            return
        was = read_asked(self.folder)
        if was is not None and (changed := differing(was, now)):
            what = f"holds a study of another {', '.join(changed)}"
            raise RunError(what, where=self.folder, hint="choose another --study")

    def _identity(self) -> dict[str, str]:
        base = self.base
        values: dict[str, object] = {
            "fusion": base.fusion,
            "preset": base.preset,
            "settings": base.settings,
            "features": list(base.features or ()),
            "seeds": base.seeds,
            "manifest": base.manifest.fingerprint,
            "inputs": self._inputs,
            "fold": base.manifest.fold and base.manifest.fold.model_dump(),
            "robust": base.robust.stated(),
            "space": {name: each.text() for name, each in self.ranges.items()},
            "sampler": self.sampler,
            "seed": self.seed,
            "pruning": self.prune,
            "default": {k: v for k, v in leaves(base.resolved()) if k not in self.ranges},
        }
        return {name: json.dumps(value, sort_keys=True) for name, value in values.items()}

    def _default(self) -> dict[str, object]:
        """Return what the first trial tries: the default, where a range holds it."""
        default = dict(leaves(self.base.resolved()))
        return {
            name: default[name]
            for name, each in self.ranges.items()
            if each.holds(default.get(name))
        }

    def _study(self, number: int) -> Any:
        """Open the study, as the trial of a number draws in it."""
        seed = (self.seed * SEEDS + number) % 2**32
        return open_study(self.folder, self.lower, self.sampler, seed, self.prune)

    def trial(self, number: int | None) -> None:
        """Do one trial, which any process can do: one that was interrupted, or a new one."""
        with locked(self.folder / ".ask", wait=True):
            following = len(started(self._study(0))) if number is None else number
            study = self._study(following)
            trial = study.ask() if number is None else again(study, number)
            drawn = {name: self._draw(study, trial, name) for name in self.ranges}
        # A worker of a cluster may have several threads, and the libraries one source of
        # randomness; and it goes on with a trial whose command was killed, and is repeated.
        process = self.folder / f".worker-{socket.gethostname()}-{os.getpid()}"
        own = self.folder / f".{self.run(trial.number).name}"
        with locked(process, wait=True), locked(own, wait=True):
            if self._state(trial.number) == "RUNNING":
                self._carry_out(study, trial, drawn)

    def _draw(self, study: Any, trial: Any, name: str) -> Value:
        """Draw a setting; one that is known from before a kill is drawn once more in vain.

        What is drawn at random comes from one source, one setting after the other: without that the
        next setting would be given what was drawn for this one.
        """
        frozen = trial.storage.get_trial(trial._trial_id)
        if name in frozen.params and name not in trial.relative_params:
            kind = frozen.distributions[name]
            study.sampler.sample_independent(study, frozen, name, kind)
        return self.ranges[name].draw(trial, name)

    def _state(self, number: int) -> str:
        (frozen,) = (each for each in self._study(0).trials if each.number == number)
        return str(frozen.state.name)

    def _carry_out(self, study: Any, trial: Any, drawn: Mapping[str, Value]) -> None:
        """Train what a trial drew, and tell the study how it ended."""
        start = time.monotonic()
        state, value = self._judged(trial, drawn)
        judged = len(trial.storage.get_trial(trial._trial_id).intermediate_values)
        trial.set_user_attr("epochs", max(judged, self._epochs(trial.number)))
        trial.set_user_attr("seconds", time.monotonic() - start)
        if state == "pruned":
            rundir.clear(self.run(trial.number))
        states = load_optuna().trial.TrialState
        named = {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
        study.tell(trial, value, named[state])

    def _judged(self, trial: Any, drawn: Mapping[str, Value]) -> tuple[TrialOutcome, float | None]:
        """Train; return how it ended, and its validation metric."""
        reported = frozenset(trial.storage.get_trial(trial._trial_id).intermediate_values)
        criterion = make_criterion(self.monitor)

        def watch(history: Sequence[EpochMetrics]) -> None:
            for epoch in range(1, len(history) + 1):
                if epoch not in reported and epoch == len(history):
                    best = history[criterion.best_epoch(history) - 1]
                    trial.report(best[criterion.column], epoch)
            if trial.number and trial.should_prune():  # the first is what others are compared with
                raise PrunedTrialError

        try:
            value = self.request(trial.number, drawn).train(watch=watch).valid[self.monitor]
            if not math.isfinite(value):
                raise RunError(f"validation {self.monitor} is {value}")
        except PrunedTrialError:
            return "pruned", None
        except EmocliError as error:
            trial.set_user_attr("error", str(error))
            return "failed", None
        return "complete", value

    def request(self, number: int, drawn: Mapping[str, Value]) -> TrainRequest:
        """Return the training of a trial that drew these settings, without its last fit."""
        settings = merge(self.base.settings, nested(drawn))
        base = replace(self.base, baselines=False, workers=1, last_fit=False)
        return replace(base, run=self.run(number), settings=settings)

    def _epochs(self, number: int) -> int:
        """Count the epochs of a trial's trainings."""
        run = self.run(number)
        if not (run / rundir.CONFIG).is_file():
            return 0
        folders = rundir.member_folders(run)
        there = [folder for folder in folders if (folder / rundir.HISTORY).is_file()]
        return sum(len(rundir.read_history(folder)) for folder in there)

    def ended(self) -> list[Trial]:
        """Return the trials that have ended, by number."""
        return ended(self._study(0))

    def best(self) -> Trial:
        """Return the trial that validates best; of equal ones the first."""
        return best_of(self.ended(), self.lower)

    def default(self) -> Trial | None:
        """Return the trial of the default; None if no range or no trial came to its end with it."""
        return next(filter(self._is_default, self.ended()), None)

    def _is_default(self, trial: Trial) -> bool:
        if trial.number > 0 or trial.valid is None:
            return False
        default = self._default()
        return default.keys() == self.ranges.keys() and trial.settings == default

    def _tidy(self) -> None:
        """Remove the trainings of all trials that have ended but the best and the default."""
        ended = self.ended()
        if any(trial.valid is not None for trial in ended):
            best = best_of(ended, self.lower)
            for trial in ended:
                if trial != best and not self._is_default(trial):
                    rundir.clear(self.run(trial.number))

    def importances(self) -> dict[str, float]:
        """Return how much of the metric each setting explains; nothing of too few trials."""
        done = [trial for trial in self.ended() if trial.valid is not None]
        if len(done) < 4 or len({trial.valid for trial in done}) < 2:
            return {}
        shares = load_optuna().importance.get_param_importances(self._study(0))
        return {name: float(value) for name, value in shares.items()}
