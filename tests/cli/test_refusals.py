"""What is refused is refused before anything is written, and a plan refuses it too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from emocli import plugins
from emocli.cli.app import run
from tests import toy

QUICK = ("train.epochs=1", "train.batch_size=8", "train.accelerator=cpu", "train.threads=1")


def commands(text: str) -> tuple[list[str], ...]:
    """Options for the end of a command, separated by semicolons."""
    return tuple(part.split() for part in text.split(";"))


SETTINGS = """
    train.class_weights.x=2 train.monitor=x train.lr=0
    train.lr=1e6 train.epochs=1000000000000 train.epochs=true train.batch_size=1000000000000
    train.threads=1000000 train.seed=4294967296 train.precision=16-mixed x.y=1
"""
ANYWHERE = (
    *(["--set", pair] for pair in SETTINGS.split()),
    ["--set", "train.epochs=" + "[" * 5000],
    *commands("--set train.seed=4294967295 --seeds 2; --seeds 1000000000; --workers 100000"),
    *commands("--folds 2; --folds 900; --folds 1000000; --preset x; -f x; -f mel -f mel2"),
    *commands("--check; --check --oracle; --corrupt audio:x; --corrupt smell"),
    *commands("--corrupt audio@1e300; --fill zero; --proxy x; --proxy --fill zero --oracle"),
    *commands("--proxy knn_ls --set robust.proxy.k=true"),
)
"""What is refused whatever the network: settings, too few or too many of something, what is not
there. Of the features, ``mel2`` is a second one of a modality."""

ALWAYS = (
    *(["--set", pair] for pair in ["train.target=votes", "train.target=all", "train.loss=x"]),
    *commands("--set network.x=1; --set train.target=one_vs_rest --set train.loss=ce"),
    *commands("-f crops -f mel; -f hollow -f mel"),
)
"""What every network refuses by what it has itself: its loss, its settings, its input. The rows of
``crops`` are no vectors, and ``hollow`` has no training clip."""

OWN = {
    "m2fnet": commands(
        "--set train.sampler=balanced; --set train.mixup=0.2; --set network.query=;"
        "--set network.width=8192 --set network.layers=32 --set network.ff_mult=32"
    ),
    "m3er": commands(
        "--set network.hiddens.audio=5; --set network.margin=0.1;"
        "--set train.loss=huber --set network.predict=mult;"
        "--set train.target=one_vs_rest --set train.loss=huber --set network.predict=mult"
    ),
    "mfn": commands("--set network.channel=ff --set network.feedback=mem"),
    "unimodal": commands("-f mel -f glove"),
    "gca": commands(
        "--set network.heads=3; --set network.heads=2 --set network.attn_axis=dim;"
        "--set network.hops=0; --set network.hops=1000000"
    ),
    "rrnn": commands("--set network.write_bias=1e9"),
    "early": commands("--set network.stride.audio=1000000000"),
    "mutan": commands(
        "--set network.rank=0; --set network.rank=10000 --set network.joint_dim=10000"
    ),
    "late": commands("--set network.hidden=10000000"),
}
"""What a network refuses of its own settings."""

FUSIONS = plugins.names("fusion")
CASES = [
    pytest.param(fusion, extra, id=f"{fusion} {' '.join(extra)[:60]}")
    for fusion in FUSIONS
    for extra in (
        *(ANYWHERE if fusion == "late" else ()),
        *(ALWAYS if fusion in ("late", "m2fnet", "m3er") else ()),
        *OWN.get(fusion, ()),
    )
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    result = toy.build(tmp_path_factory.mktemp("corpus"))
    clips = [clip.id for clip in result.manifest.clips]
    for name, modality, chosen in (
        ("mel2", "audio", clips),
        ("hollow", "visual", [i for i in clips if not i.startswith("train")]),
    ):
        arrays = {clip: [[0.5, 1.0]] for clip in chosen}
        toy.write_feature(result.store, name, modality, result.manifest, arrays)  # type: ignore[arg-type]
    arrays = {clip: [[[0.5, 1.0]]] for clip in clips}
    toy.write_feature(result.store, "crops", "visual", result.manifest, arrays)  # type: ignore[arg-type]
    return result


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def refusal(arguments: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(("error: ", "Usage: "))
    assert err.startswith("Usage: ") or err.count("\n") == 1
    assert len(err) < 600
    return err


def training(corpus: toy.Toy, fusion: str, folder: Path, *extra: str) -> list[str]:
    features = [] if "-f" in extra else ["-f", "glove"] if fusion == "unimodal" else list(CHOSEN)
    quick = [part for pair in QUICK for part in ("--set", pair)]
    how = ["--fusion", fusion, "--store", str(corpus.store), "--run", str(folder)]
    return ["train", str(corpus.manifest.path), *how, *quick, *features, *extra]


CHOSEN = ("-f", "mel", "-f", "glove", "-f", "face_hog")


@pytest.mark.parametrize(("fusion", "extra"), CASES)
def test_a_refused_training_leaves_nothing_behind(
    corpus: toy.Toy,
    fusion: str,
    extra: Sequence[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, command = left(corpus.folder), training(corpus, fusion, tmp_path / "new" / "run")
    message = refusal([*command, *extra], capsys)
    assert refusal([*command, *extra, "--dry-run"], capsys) == message
    assert left(tmp_path) == []
    assert left(corpus.folder) == before


def test_only_networks_that_there_are_have_refusals_of_their_own() -> None:
    assert set(OWN) <= set(FUSIONS)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_right_command_works_after_refusals(
    corpus: toy.Toy, fusion: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    for extra in OWN.get(fusion, ()):
        refusal(training(corpus, fusion, folder, *extra), capsys)
    assert run(training(corpus, fusion, folder, "--dry-run")) == 0
    assert left(tmp_path) == []
    assert run(training(corpus, fusion, folder, "--no-baseline")) == 0


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_a_setting_of_another_task_is_refused_before_anything_is_written(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = toy.build(tmp_path / "corpus", task=task)  # type: ignore[arg-type]
    before = left(tmp_path)
    for fusion in ("late", "m3er", "m2fnet"):
        for pair in (
            *("train.loss=ce", "train.sampler=balanced", "train.target=votes"),
            *("train.target=one_vs_rest", "train.monitor=x"),
        ):
            command = training(other, fusion, tmp_path / "run", "--set", pair)
            message = refusal(command, capsys)
            assert refusal([*command, "--dry-run"], capsys) == message, (fusion, pair)
    assert left(tmp_path) == before


def test_a_folder_in_use_is_refused_by_a_plan_too(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for folder in (tmp_path, tmp_path / "notes.txt", tmp_path / "notes.txt" / "run"):
        for folds in ((), ("--folds", "3")):
            command = training(corpus, "late", folder, *folds)
            message = refusal(command, capsys)
            assert refusal([*command, "--dry-run"], capsys) == message
    assert left(tmp_path) == ["notes.txt"]


def test_a_run_that_has_learnt_nothing_blocks_no_other(corpus: toy.Toy, tmp_path: Path) -> None:
    """As the failure of a first epoch leaves it."""
    folder = tmp_path / "run"
    assert run(training(corpus, "late", folder)) == 0
    for name in ("model.safetensors", "history.csv", "README.md"):
        (folder / name).unlink()
    assert run(training(corpus, "late", folder, "--set", "network.hidden=7")) == 0
    assert '"hidden": 7' in (folder / "config.json").read_text()
    assert run(training(corpus, "late", folder, "--set", "network.hidden=8")) == 2


def test_a_fold_that_cannot_be_trained_is_found_by_a_plan(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two folds have votes to learn from, the third, which the last run learns from, has none."""
    votes = dict.fromkeys(toy.CLASSES, 1.0)
    clips = tuple(
        replace(
            clip, speaker="", dialogue="", fold=k // 3 % 3, labels={} if k // 3 % 3 == 1 else votes
        )
        for k, clip in enumerate(corpus.manifest.clips)
    )
    own = tmp_path / "own"
    folded = replace(corpus.manifest, clips=clips, path=own / "folded.csv")
    toy.write_feature(
        own / "store", "mel", "audio", folded, {clip.id: np.ones((1, 2)) for clip in clips}
    )
    folded.write(own / "folded.csv")
    command = ["train", own / "folded.csv", "--fusion", "unimodal", "--store", own / "store"]
    command += ["--run", tmp_path / "run", "--folds", "3", "--set", "train.target=votes"]
    message = refusal(command, capsys)
    assert "has no votes" in message
    assert refusal([*command, "--dry-run"], capsys) == message
    assert not (tmp_path / "run").exists()


# -- encoders

TEXT: Mapping[str, Sequence[str]] = {
    "a backbone that is none": ["--set", "text.backbone=./nowhere"],
    "heads that do not fit": ["--set", "text.heads=3"],
    "too few parts": ["--set", "train.crossfit=2"],
    "too many parts": ["--set", "train.crossfit=500"],
    "parts beyond measure": ["--set", "train.crossfit=1000000"],
    "too large": ["--set", "text.width=8192", "--set", "text.layers=32", "--set", "text.heads=2"],
    "true": ["--set", "train.epochs=true"],
    "16 bits on a CPU": ["--set", "train.precision=16-mixed"],
    "a section that is none": ["--set", "x.y=1"],
    "tokens beyond measure": ["--set", "text.tokens=1000000000"],
}
FACES: Mapping[str, Sequence[str]] = {
    "a backbone that is none": ["--set", "encoder.backbone=./nowhere"],
    "stages of two counts": ["--set", "encoder.depths=[1, 1]"],
    "too large": [
        "--set",
        "encoder.hidden_sizes=[8192]",
        *("--set", "encoder.depths=[64]"),
    ],
    "a batch beyond measure": ["--set", "train.classes=10000", "--set", "train.per_class=10000"],
    "noise the wrong way round": ["--set", "augment.snr_db=[30, 10]"],
    "a preset that is none": ["--preset", "x"],
    "true": ["--set", "loss.margin=true"],
    "no range": ["--set", "encoder.top_db=0"],
}


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A corpus whose clips have texts."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    rows = [
        f"{split}{k},{split},{split}{k // 2},{k % 2},{('a', 'b')[k % 2]},so much {k}"
        for split in ("train", "valid")
        for k in range(8)
    ]
    (folder / "own.toml").write_text('dataset = "own"\nclasses = ["a", "b"]\n')
    (folder / "own.csv").write_text("\n".join(["id,split,dialogue,turn,label,text", *rows]))
    return folder / "own.csv"


def test_a_refused_text_encoder_leaves_nothing_behind(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = [*("text.backbone=scratch", "text.width=16", "text.heads=2"), "train.epochs=1"]
    command = ["fit-text", talk, "--run", tmp_path / "new" / "run"]
    command += [part for pair in [*tiny, "text.tokens=32"] for part in ("--set", pair)]
    for extra in TEXT.values():
        refusal([*command, *extra], capsys)
        assert left(tmp_path) == ["corpus", "corpus/own.csv", "corpus/own.toml"]
    assert run(list(map(str, command))) == 0


def test_a_refused_encoder_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, new = tmp_path / "faces", tmp_path / "new" / "run"
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    command = ["fit-encoder", "face", folder, "--run", new]
    tiny = ["depths=[1]", "hidden_sizes=[8]", "embedding_size=8", "dim=8", "side=32"]
    command += [part for pair in tiny for part in ("--set", f"encoder.{pair}")]
    refusal([*command, "--set", "train.epochs=1"], capsys)  # an empty folder
    assert not new.parent.exists()
    for name in ("a", "b"):
        for k in range(4):
            picture = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / name / f"{k}.png"), picture)
    for extra in FACES.values():
        refusal([*command, *extra], capsys)
        assert not new.parent.exists()
    assert run([*map(str, command), "--set", "train.epochs=1"]) == 0


def test_an_encoder_that_has_learnt_nothing_blocks_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A picture that cannot be read is found when it is first looked at."""
    folder, new = tmp_path / "faces", tmp_path / "run"
    picture = np.zeros((32, 32, 3), np.uint8)
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for k in range(4):
            cv2.imwrite(str(folder / name / f"{k}.png"), picture)
    (folder / "a" / "0.png").write_bytes(b"no picture")
    tiny = ["depths=[1]", "hidden_sizes=[8]", "embedding_size=8", "dim=8", "side=32"]
    command = ["fit-encoder", "face", folder, "--run", new, "--set", "train.epochs=1"]
    command += [part for pair in tiny for part in ("--set", f"encoder.{pair}")]
    refusal(command, capsys)
    (folder / "a" / "0.png").unlink()
    assert run(list(map(str, command))) == 0


# -- other commands

OTHERS: Mapping[str, str] = {
    "a corpus that cannot be drawn": "demo --dir {new}/x --set demo.turns=0",
    "a metric of another task": "demo --dir {new}/x --set train.monitor=mae",
    "a class that nobody draws": "demo --dir {new}/x --set train.class_weights={{x=1}}",
    "vectors that are not there": "extract {csv} -f glove --set glove.vectors=no --store {new}/x",
    "an encoder that is none": "extract {csv} -f roberta --set roberta.encoder={new} --store {new}",
    "a file that is none": "import {csv} --as x --modality audio --manifest {csv} --store {new}/x",
    "an output inside a file": "manifest demo {new}/demo -o {csv}/x.csv",
    "nothing to export": "export {new}/a/x.npz --manifest {csv} --store {store} -f no",
    "a form of feature there is not": "export {new}/a/x.doc --manifest {csv} --store {store}",
    "one modality": "fit-cca {csv} --store {new}/store",
    "a check no row asks for": "reproduce rrnn-t2 {csv} --store {store} --out {new}/x"
    " --set check.fit_on=x",
    "a check found out in fitting": "reproduce m3er-t2 {csv} --store {store} --out {new}/x --seeds"
    " 1 --set check.representation=utterance --set experiment.text=glove"
    " --set experiment.audio=mel --set experiment.visual=face_hog",
}


@pytest.mark.parametrize("line", OTHERS.values(), ids=list(OTHERS))
def test_what_is_refused_leaves_nothing_behind(corpus: toy.Toy, tmp_path: Path, line: str) -> None:
    before = left(corpus.folder)
    places = {"new": tmp_path / "new", "csv": corpus.manifest.path, "store": corpus.store}
    assert run(line.format(**places).split()) == 2
    assert left(tmp_path) == []
    assert left(corpus.folder) == before


@pytest.mark.parametrize(
    "command",
    [
        "evaluate nowhere",
        "compare nowhere elsewhere",
        "train nowhere.csv --fusion late --run run",
        "fit-cca nowhere.csv",
        "analyze confusion nowhere",
    ],
)
def test_a_corruption_of_no_form_is_refused_before_anything_is_opened(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command.split(), "--corrupt", "visual:"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "corruption 'visual:': is not of the form modality:name@level or protocol@level" in line
