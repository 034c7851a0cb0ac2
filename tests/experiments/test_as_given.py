"""Rows whose modality check is fitted on noisy clips as given, beside those of a clean fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emocli import plugins
from emocli.config import Settings, merge
from emocli.errors import ConfigError, UnfittableError
from emocli.experiments import checks
from emocli.experiments.runner import Reproduction, reproduce
from emocli.models import rundir
from emocli.plugin.experiment import Condition, RobustOptions, Row, Table, read
from emocli.robust.check.io import load_check
from tests import toy

pytestmark = pytest.mark.usefixtures("undrawn")

SPEC = "m3er75"
NOISE = Condition("noise", (SPEC,))
QUICK = merge(toy.QUICK, {"train": {"threads": 1, "epochs": 2}})
SIZES = {"train": 60, "valid": 30, "test": 30}
GIVEN = {"robust": {"fit_on": "as_given"}}

Reproduce = Callable[..., Reproduction]


class Config(Settings):
    """None."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reproduce:
    corpus = toy.build(tmp_path / "toy", sizes=SIZES)
    load = plugins.load

    def reproduced(rows: Sequence[Row], say: Callable[[str], None] = lambda step: None) -> Any:
        module = SimpleNamespace(
            __name__="toy", Config=Config, table=lambda config: Table("A table", tuple(rows))
        )
        monkeypatch.setattr(
            plugins, "load", lambda kind, n: module if kind == "experiments" else load(kind, n)
        )
        settings = {**QUICK, "reproduce": {"folds": 0, "seeds": 1}}
        return reproduce(
            "rrnn-t2", corpus.manifest, corpus.store, tmp_path / "out", settings=settings, say=say
        )

    return reproduced


def row(name: str, settings: dict[str, Any] | None = None, corrupt: str = SPEC) -> Row:
    training = RobustOptions(corrupt=(corrupt,), check=True, proxy="ridge")
    return Row(name, fusion="late", settings=settings or {}, training=training, conditions=(NOISE,))


def test_each_row_asks_the_check_of_its_fit(run: Reproduce, tmp_path: Path) -> None:
    said: list[str] = []
    report = run((row("clean"), row("given", GIVEN)), said.append)
    store = tmp_path / "toy" / "store"
    checks = {name: load_check(store / f"{name}.h5") for name in ("check", "check_as_given")}
    assert [c.config.fit_on for c in checks.values()] == ["clean", "as_given"]
    assert checks["check_as_given"].provenance is not None
    assert checks["check_as_given"].provenance.corrupt == read([SPEC])
    configs = {n: rundir.read_config(tmp_path / "out" / "runs" / n) for n in ("clean", "given")}
    assert configs["given"].robust["fit_on"] == "as_given"
    assert configs["clean"].check != configs["given"].check
    learnt = {p.read_bytes() for p in (tmp_path / "out" / "runs").rglob("*.safetensors")}
    assert len(learnt) == 2  # they have learnt from other clips
    assert all(sum(each["conditions"][0]["flagged"].values()) for each in report.data["rows"])
    assert sum("fitting the modality check" in line for line in said) == 2
    again: list[str] = []
    run((row("clean"), row("given", GIVEN)), again.append)
    assert not any("fitting" in line for line in again)


def test_two_corruptions_have_no_check_in_common(run: Reproduce, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"several corruptions .*--row ROW"):
        run((row("a", GIVEN), row("b", GIVEN, "audio@0.01")))
    assert not (tmp_path / "out" / "runs").exists()


def test_a_check_that_cannot_be_fitted_stops_its_own_rows_alone(
    run: Reproduce, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = checks.fit_cca

    def fit(*arguments: Any) -> Any:
        if arguments[4]["check"]["fit_on"] == "as_given":
            raise UnfittableError("2 training clips have modality 'audio'")
        return whole(*arguments)

    monkeypatch.setattr(checks, "fit_cca", fit)
    report = run((row("clean"), row("given", GIVEN), Row("like", like="given"))).data
    states = {each["row"]: each["state"] for each in report["rows"]}
    assert states == {"clean": "done", "given": "lacking", "like": "lacking"}
    assert "2 training clips have modality 'audio'" in report["rows"][1]["lacking"]
    with pytest.raises(UnfittableError, match=r"check_as_given.h5: 2 training clips"):
        run((row("given", GIVEN),))
