"""What every report promises: it is read back as it was written, and a changed key is refused."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import emocli
from emocli import plugins
from emocli.cli.app import run
from emocli.config import merge
from emocli.data.json_io import as_json, json_name
from emocli.data.record import Report
from emocli.errors import ReportError
from emocli.evaluation.comparison_report import ComparisonReport
from emocli.evaluation.report import EvaluationReport
from emocli.experiments.report import ExperimentReport
from emocli.pipeline.demo_report import Accuracy, DemoReport, DemoSystem, PredictedTalk
from emocli.pipeline.inspect import inspect
from emocli.plugin.analysis import VersionedReport
from emocli.prediction.packing.folder import FoldRepair, Pack, PackedFile, WordVectors
from emocli.prediction.watch import WatchedFile, WatchReport
from emocli.training.fit_cca import fit_cca
from emocli.training.tuning.study_summary import SearchReport, TuneSummary
from tests import toy
from tests.prediction.examples import report as predictions
from tests.training.test_m3er import SETTINGS
from tests.training.tuning.searches import NESTED, SEARCH

Keys = tuple[str | int, ...]

CORPUS = "toy.csv --store store"
FAST = "--set train.epochs=1 --set train.accelerator=cpu --set train.threads=1"
TABLE = f"{CORPUS} {FAST} --set reproduce.seeds=1 --out tables"
RECOVERED = "--row m3er --row noisy --row noisy-check"
ANALYSED = "--row gca --set experiment.clip=test00"

COMMANDS = {
    "evaluate": "evaluate rrnn",
    "evaluate, corrupted": "evaluate rrnn --corrupt visual --sweep --levels 0dB",
    "evaluate, checked": "evaluate folds --check --corrupt m3er75",
    "evaluate, multi": "evaluate multi/run --corrupt text:drop",
    "evaluate, intensity": "evaluate intensity/run",
    **{
        name: import_module(f"tests.analysis.test_{name}").COMMAND
        for name in plugins.names("analyses")
    },
    "reproduce, swept": f"reproduce m3er-sweep {TABLE}/sweep --row m3er --row beta-0.2",
    "reproduce, recovered": f"reproduce m3er-t2 {TABLE}/t2 {RECOVERED}",
    "reproduce, analysed": f"reproduce rrnn-fig4 {TABLE}/fig4 {ANALYSED}",
    "tune": f"tune {CORPUS} --fusion late --study study --try train.lr=0.01,0.02 {FAST}",
    "compare": "compare rrnn m3er --out compare.json",
}

OTHERS: dict[str, tuple[type[Report], str]] = {
    "reproduce": (ExperimentReport, ""),
    "tune": (TuneSummary, "study/tune.json"),
    "compare": (ComparisonReport, "compare.json"),
}
"""Commands without figures to leave out, or that always draw them; the file where none is named."""

ACCURACY = Accuracy(accuracy=0.5, std=0.0, ci=(float("nan"), float("nan")))
EXAMPLES: dict[str, Report] = {
    "search": SearchReport.of(SEARCH),
    "nested search": NESTED,
    "demo": DemoReport(
        format=1,
        folder=Path("demo"),
        manifest=Path("demo/manifest.csv"),
        store=Path("demo/store"),
        report=Path("demo/report.json"),
        clips=4,
        seeds=1,
        corruption="gaussian@0.01",
        systems=(
            DemoSystem(
                fusion="late",
                modalities=("text", "audio"),
                clean=ACCURACY,
                corrupted={"text": ACCURACY},
                run=Path("demo/runs/late"),
                tested=4,
                interval="95 %",
            ),
        ),
        talk=PredictedTalk(
            recording=Path("talk.mp4"),
            page=Path("predictions.html"),
            utterances=2,
            people=2,
            rows=4,
            missing={"text": 1},
            distrusted={},
            regenerated={},
        ),
    ),
    "predict": predictions(),
    "pack": Pack(
        format=1,
        emocli="1.0",
        run="run",
        fingerprint="0f",
        folds={".": FoldRepair(repair={"fill": "mean"}, remarks=(), with_check={"check": True})},
        assets={"glove": {"vectors": "assets/glove.txt"}},
        outside={"speech_model.encoder": "a/b"},
        vectors=(
            WordVectors(
                feature="glove",
                setting="vectors",
                file="glove.txt",
                sha256="0f",
                bytes=3,
                words="none",
                unknown="missing",
            ),
        ),
        imported=("openface",),
        licence="MIT",
        files={"README.md": PackedFile(bytes=3, sha256="0f")},
    ),
    "watch": WatchReport(
        format=1,
        files=(WatchedFile(file="a.mp4", size=3, modified=4, key="0f", folder="a", message="é"),),
    ),
}
"""Reports whose commands take long; the tests of these read what they wrote."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("toy")
    corpus = toy.build(place)
    corpus.trained("rrnn", "rrnn", settings=toy.QUICK, seeds=2)
    corpus.trained("m3er", "m3er", settings=SETTINGS)
    quick = merge(toy.QUICK, {"train": {"epochs": 1, "threads": 1}})
    corpus.request("folds", settings=quick).cross_validate(3)
    for index in range(3):
        fit_cca(corpus.manifest.folded(index, 3), corpus.store)
    fit_cca(corpus.manifest, corpus.store)
    for task in ("multi", "intensity"):
        toy.build(place / task, task).trained()
    return place


@pytest.fixture(scope="module", params=[*COMMANDS, *EXAMPLES])
def written(request: pytest.FixtureRequest, folder: Path) -> tuple[type[Report], Path]:
    """The class of a report, and the file that its command wrote."""
    if example := EXAMPLES.get(request.param):
        (folder / "example.json").write_text(as_json(example))
        return type(example), folder / "example.json"
    name = request.param.partition(",")[0]
    more = [] if name in OTHERS else ["--no-figures"]
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        assert run([*COMMANDS[request.param].split(), *more]) == 0
    shown = out.getvalue().splitlines()
    paths = (line.partition(": ")[2] for line in shown if line.startswith(("report:", "data:")))
    if name in OTHERS:
        kind, file = OTHERS[name]
        return kind, folder / (file or next(paths))
    path = next(paths)
    known = name in plugins.names("analyses")
    return plugins.load("analyses", name).Report if known else EvaluationReport, folder / path


def test_what_is_read_is_what_was_written(written: tuple[type[Report], Path]) -> None:
    kind, path = written
    report = kind.read(path)
    data = json.loads(path.read_text())
    assert report.data() == data
    assert kind not in (SearchReport, TuneSummary) or data["emocli"] == emocli.__version__
    with_versions = (VersionedReport, ComparisonReport, SearchReport, TuneSummary)
    if issubclass(kind, with_versions):
        assert set(data["versions"]) == {"emocli", "python"}
        kind.from_data({k: v for k, v in data.items() if k not in ("analysis", "versions")})
    assert kind.from_data(report.data()).data() == report.data()


def test_the_schema_names_every_key(written: tuple[type[Report], Path]) -> None:
    kind, path = written
    schema, data = kind.schema(), json.loads(path.read_text())
    assert set(schema["required"]) <= data.keys()
    if schema["additionalProperties"] is False:
        assert data.keys() <= schema["properties"].keys()
    else:  # metrics, whose names depend on the task
        others = data.keys() - schema["properties"].keys()
        assert {type(data[name]) for name in others} <= {float, int, type(None)}


def test_every_schema_states_the_number_of_the_format() -> None:
    """Of all there are, those of the analyses among them, which `COMMANDS` has imported."""
    kinds = [kind for kind in _kinds(Report) if kind.__module__.startswith("emocli.")]
    assert {type(report) for report in EXAMPLES.values()} <= set(kinds)
    for kind in kinds:
        assert kind.schema()["properties"]["format"]["const"] == kind.FORMAT, kind


def _kinds(base: type[Report]) -> Iterator[type[Report]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def test_a_changed_key_is_refused(written: tuple[type[Report], Path], tmp_path: Path) -> None:
    kind, path = written
    data = json.loads(path.read_text())
    places = list(_keys(kind.read(path)))
    assert len(places) > 10 - (kind is WatchReport)  # which has ten
    for keys in places:
        changed = copy.deepcopy(data)
        inner = changed
        for key in keys[:-1]:
            inner = inner[key]
        inner[f"{keys[-1]}s"] = inner.pop(keys[-1])
        (tmp_path / "changed.json").write_text(json.dumps(changed))
        with pytest.raises(ReportError, match=r"is of format None|is no such report"):
            kind.read(tmp_path / "changed.json")


def test_it_can_be_looked_into(written: tuple[type[Report], Path], tmp_path: Path) -> None:
    """A pack lies in the folder of a run; what is watched is not for reading."""
    kind, path = written
    if kind in (Pack, WatchReport):
        with pytest.raises(ReportError, match="name the folder it is in"):
            inspect(path)
        return
    assert inspect(path).sections
    if issubclass(kind, VersionedReport):
        shutil.copy(path, tmp_path / "renamed.json")
        assert inspect(tmp_path / "renamed.json").kind == inspect(path).kind
    other = tmp_path / path.name
    other.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(ReportError, match=f"is of format 99, not {kind.FORMAT}; write it again"):
        inspect(other)


def _keys(value: Any, before: Keys = ()) -> Iterator[Keys]:
    """Go through the named keys of records, of those in lists and mappings of the first one."""
    if is_dataclass(value):
        for field in fields(value):
            if "extra" not in field.metadata and getattr(value, field.name) is not None:
                name = json_name(field)
                yield (*before, name)
                yield from _keys(getattr(value, field.name), (*before, name))
    elif isinstance(value, tuple) and value:
        yield from _keys(value[0], (*before, 0))
    elif isinstance(value, Mapping) and value:
        first = next(iter(value))
        yield from _keys(value[first], (*before, first))


@pytest.mark.parametrize("keys", [(), ("clean",), ("by_seed", 0), ("baselines", "prior")])
def test_a_metric_of_another_name_is_refused(folder: Path, keys: Keys) -> None:
    from emocli.evaluation.evaluate import evaluate

    evaluation = evaluate(folder / "rrnn", figures=False)
    data = json.loads(evaluation.path.read_text())
    inner = data
    for key in keys:
        inner = inner[key]
    inner["acuracy"] = inner.pop("accuracy")
    with pytest.raises(ValueError, match="the metrics are not those that 'definitions' has"):
        EvaluationReport.from_data(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no report"),
        ("[1]", "is no report"),
        ('{"format": 3}', "is of format 3, not 2; write it again"),
        ('{"format": 2}', "is no such report"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "report.json"
    with pytest.raises(ReportError, match="cannot be read"):
        EvaluationReport.read(path)
    path.write_text(text)
    with pytest.raises(ReportError, match=message) as caught:
        EvaluationReport.read(path)
    assert "\n" not in str(caught.value)


def test_numbers_are_numbers(folder: Path) -> None:
    from emocli.evaluation.evaluate import evaluate

    data = evaluate(folder / "rrnn", figures=False).data
    for key, value in (("n", str(data["n"])), ("check", 0), ("accuracy", "1"), ("seeds", ["0"])):
        with pytest.raises(ValueError, match=key):
            EvaluationReport.from_data(data | {key: value})
