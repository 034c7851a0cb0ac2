"""A small valid specimen of everything the toolkit reads, and the commands that read each."""

from __future__ import annotations

import json
import shlex
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from emocli.cli.app import run
from tests import toy

QUICK = (
    "--set network.hidden=6 --set train.epochs=1 --set train.patience=1 --set train.batch_size=8"
    " --set train.accelerator=cpu"
)
SMALL_TEXT = (
    "--set text.backbone=scratch --set text.layers=1 --set text.width=16 --set text.heads=2"
    " --set text.tokens=96 --set train.epochs=1"
)
CORPUS = (
    "--set demo.turns=1 --set demo.seconds=[0.5,0.6] --set demo.fps=6 --set demo.size=128"
    " --set demo.dialogues={train=1,valid=1,test=1} --set demo.speakers={train=1,valid=1,test=1}"
)
RUNS = ("late", "rrnn", "m3er", "m2fnet")
EXPERIMENT = """# settings of an experiment
[mel]
bands = 64
[check]
score = "llr"
[network]
hidden = 6
[train]
epochs = 1
lr = 0.01
batch_size = 8
[reproduce]
folds = 0
seeds = 1
"""
SUBTITLES = """1
00:00:00,000 --> 00:00:01,200
Ann: I am so glad.

2
00:00:01,300 --> 00:00:02,500
Bob: that is
not nice
"""
LABELS = (
    "id,split,emotion,text,media.audio\na,train,sad,well,sound.wav\nb,valid,glad,oh,sound.wav\n"
)


@dataclass(frozen=True)
class Target:
    """A file that is to be damaged, and the command lines that read it then."""

    path: str
    kind: str
    lines: tuple[str, ...]


def build(folder: Path) -> None:
    """Write the specimens into an empty folder, which has to be the working directory."""
    toy.build(folder / "toy", sizes={"train": 12, "valid": 6, "test": 9})
    for name in RUNS:
        _run(_training(name))
    _run("fit-cca toy/toy.csv --store toy/store")
    for ending in ("npz", "csd"):
        _run(f"export exchange/toy.{ending} --manifest toy/toy.csv --store toy/store -f mel")
    _run("export exchange/toy.pkl --manifest toy/toy.csv --store toy/store")
    _media(folder)
    (folder / "exp.toml").write_text(EXPERIMENT)
    (folder / "table").mkdir()
    _sound(folder / "table" / "sound.wav")
    (folder / "table" / "labels.csv").write_text(LABELS)
    (folder / "clip.srt").write_text(SUBTITLES)
    (folder / "words.json").write_text(json.dumps([{"start": 0.0, "end": 0.3, "word": "oh"}]))


def targets(folder: Path) -> list[Target]:
    """What can be damaged, in a fixed order."""
    found = [*_written(folder)]
    return sorted(found, key=lambda target: (target.kind, target.path))


def _training(name: str) -> str:
    wide = "--set network.width=8 --set network.heads=1"
    quick = QUICK if name != "m2fnet" else QUICK.replace("--set network.hidden=6", wide)
    return f"train toy/toy.csv --store toy/store --fusion {name} --run toy/{name} {quick}"


def _run(line: str) -> None:
    code = run(shlex.split(line))
    if code not in (0, 3):  # a picture has no sound
        raise RuntimeError(f"the specimens cannot be made: exit {code} of emocli {line}")


def _media(folder: Path) -> None:
    """Three drawn clips, a sound and a picture, an encoder of sound and one of text."""
    import av

    from emocli.data.clip import Clip
    from emocli.data.manifest import Manifest

    _run(f"manifest demo media -o media/media.csv {CORPUS}")
    corpus = Manifest.read(folder / "media" / "media.csv")
    root = folder / "media"
    _sound(root / "sound.wav")
    frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
    with av.open(str(root / "picture.png"), "w", format="image2") as file:
        stream = file.add_stream("png", 1)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    extra = (
        *(
            Clip(
                id=f"w{k}",
                split=split,
                label=label,
                text="Oh no.",
                media={"audio": root / "sound.wav"},
            )
            for k, (split, label) in enumerate(product(("train", "valid"), ("sad", "happy")))
        ),
        Clip(id="p", split="train", label="sad", media={"video": root / "picture.png"}),
    )
    fields = {n: getattr(corpus, n) for n in ("classes", "task", "dataset", "root")}
    Manifest(clips=(*corpus.clips, *extra), **fields).write(root / "media.csv")
    _encoders(folder)


def _encoders(folder: Path) -> None:
    import torch

    from emocli.models.encoder import EncoderConfig, EncoderRun, make_encoder
    from emocli.models.rundir import write_config, write_parameters

    small = EncoderConfig(depths=(1,), hidden_sizes=(8,), embedding_size=8, dim=6, side=32)
    place = folder / "encoder"
    place.mkdir()
    torch.manual_seed(0)
    encoder = make_encoder(small)
    config = {"kind": "audio", "encoder": small, "resnet": encoder.shape, "settings": {}}
    write_config(place, EncoderRun(**config, classes=("a", "b"), source="", versions={}))
    write_parameters(place, encoder.state_dict())
    _run(f"fit-text media/media.csv --run text {SMALL_TEXT}")
    _run("extract media/media.csv -f mel -f glove --set glove.vectors=media/vectors.txt --store ms")


def _sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        tone = np.sin(np.arange(9600) * 2 * np.pi * 200 / 16000) * 9000
        file.writeframes(tone.astype("<i2").tobytes())


TRAIN = f"train toy/toy.csv --store toy/store --fusion late --run new/run {QUICK}"
STORES = (
    "inspect toy/store",
    "inspect toy/store --verify --json",
    TRAIN,
    TRAIN + " --dry-run",
    "evaluate toy/late --no-figures --json",
    "fit-cca toy/toy.csv --store toy/store --json",
    "export new/x.csd --manifest toy/toy.csv --store toy/store -f {feature}",
    "export new/x.npz --manifest toy/toy.csv --store toy/store -f {feature}",
    "export new/x.pkl --manifest toy/toy.csv --store toy/store",
    "normalise toy/toy.csv -f {feature} --store toy/store",
    "analyze proxies toy/store --manifest toy/toy.csv --no-figures --json",
    "analyze check toy/late --no-figures --json --levels 0dB",
)
MANIFESTS = (
    "inspect toy/toy.csv --json",
    "inspect toy/store --manifest toy/toy.csv",
    TRAIN,
    TRAIN + " --folds 3 --dry-run",
    "fit-cca toy/toy.csv --store toy/store --json",
    "evaluate toy/late --manifest toy/toy.csv --no-figures",
    "export new/x.npz --manifest toy/toy.csv --store toy/store -f mel",
    "import exchange/toy.npz --as x --modality audio --manifest toy/toy.csv --store new/store",
    "normalise toy/toy.csv -f mel --store toy/store",
    "analyze examples toy/late --manifest toy/toy.csv --json",
    "reproduce rrnn-t2 toy/toy.csv --store toy/store --out new/rep --dry-run",
)
MEDIA_MANIFESTS = (
    "inspect media/media.csv",
    "extract media/media.csv -f mel --store new/store --json",
    "extract media/media.csv -f mel --store ms --update",
    "extract media/media.csv -f glove --set glove.vectors=media/vectors.txt --store new/store",
    "extract media/media.csv -f roberta --set roberta.encoder=text --store new/store",
)
CHECKS = (
    "evaluate toy/late --check --corrupt m3er75 --no-figures --json",
    "evaluate toy/late --check --proxy --corrupt m3er75 --no-figures",
    "analyze check toy/late --no-figures --levels 0dB --json",
    "analyze proxies toy/late --no-figures --json",
    TRAIN + " --check",
    "inspect toy/store",
)
READS_RUN = (
    "inspect {run}",
    "evaluate {run} --no-figures --json",
    "evaluate {run} --corrupt audio --no-figures",
    "analyze confusion {run} --no-figures --json",
    "analyze examples {run} --no-figures --json",
)
SHOWS = {
    "late": ("analyze weights {run} --no-figures --json",),
    "m3er": ("analyze weights {run} --no-figures --json",),
    "rrnn": (
        "analyze gates {run} --no-figures --json",
        "analyze attention {run} --clip test01 --no-figures --json",
    ),
}
"""Network to what can be shown of it."""
VECTORS = (
    "extract media/media.csv -f glove --set glove.vectors={path} --store new/store",
    "extract media/media.csv -f glove --set glove.vectors={path} --store new/store --json",
)
CONFIGS = (
    "train toy/toy.csv --store toy/store --fusion late --run new/run --config exp.toml",
    "train toy/toy.csv --store toy/store --fusion late --run new/run --config exp.toml --dry-run",
    "extract media/media.csv -f mel --store new/store --config exp.toml",
    "fit-cca toy/toy.csv --store toy/store --config exp.toml",
    "reproduce rrnn-t2 toy/toy.csv --store toy/store --out new/rep --config exp.toml --dry-run",
)
IMPORTS = (
    "import {path} --as x --modality audio --manifest toy/toy.csv --store new/store --json",
    "import {path} --modality visual --manifest toy/toy.csv --store new/store",
)
ENCODERS = (
    "inspect {run}",
    "extract media/media.csv -f mel -f {feature} --set {feature}.encoder={run} --store new/store",
)
SOUND = (
    "extract media/media.csv -f mel --store new/store",
    "extract media/media.csv -f mel --store ms",
)
WORDS = (
    "inspect ms --verify",
    "extract media/media.csv -f glove -f {feature} --store ms"
    " --set glove.vectors=media/vectors.txt",
    "align media/media.csv -f mel --to glove --store ms",
)
COVAREP = "extract media/media.csv -f covarep --store new/store"
FACES = "extract media/media.csv -f faces --store new/store --set faces.min_share=0.3"


def _written(folder: Path) -> Iterator[Target]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        kind, lines = _reading(name, path)
        if lines:
            feature = path.stem if path.suffix == ".h5" else "mel"
            places = {"path": name, "run": str(Path(name).parent), "feature": feature}
            yield Target(name, kind, tuple(_filled(line, _fitting(name, places)) for line in lines))


def _filled(line: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        line = line.replace(f"{{{name}}}", value)
    return line


def _fitting(name: str, places: dict[str, str]) -> dict[str, str]:
    if name.startswith(("text/", "encoder/")):
        feature = "roberta" if name.startswith("text/") else "mel_embedding"
        return places | {"feature": feature, "run": name.split("/")[0]}
    return places


def _reading(name: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """Kind of a specimen, and the commands that read it."""
    kind = path.suffix.lstrip(".") or path.name
    if name in ("toy/toy.csv", "toy/toy.toml"):
        return kind, MANIFESTS
    if name in ("media/media.csv", "media/media.toml"):
        return kind, MEDIA_MANIFESTS
    if name == "toy/store/check.h5":
        return kind, CHECKS
    if name.startswith("toy/store/") and kind == "h5":
        return kind, STORES
    if name.startswith("ms/") and kind in ("h5", "jsonl"):
        return kind, WORDS
    for network in RUNS:
        if name.startswith(f"toy/{network}/"):
            return kind, (*READS_RUN, *SHOWS.get(network, ()), _training(network))
    if name.startswith(("encoder/", "text/")) and path.suffix in (".json", ".safetensors", ".csv"):
        return kind, ENCODERS
    if name.startswith("exchange/"):
        return kind, IMPORTS
    return _other(name, path, kind)


def _other(name: str, path: Path, kind: str) -> tuple[str, tuple[str, ...]]:
    if name == "media/vectors.txt":
        return kind, VECTORS
    if name == "exp.toml":
        return kind, CONFIGS
    if name == "table/labels.csv":
        return kind, (
            "manifest table table -o new/m.csv",
            "manifest table table -o new/m.csv --json",
        )
    if name.startswith("media/words/"):
        return kind, tuple(line.replace("{path}", "media/vectors.txt") for line in VECTORS)
    if name == "media/demo.json":
        return kind, (f"manifest demo media -o new/m.csv {CORPUS}",)
    if kind == "wav":
        return kind, (*SOUND, COVAREP)
    if kind in ("mp4", "png"):
        return kind, (*SOUND, FACES)
    return kind, _announced(kind)


def _announced(kind: str) -> tuple[str, ...]:
    """Lines of commands whose help says that they read such a file: readers that are to come."""
    from tests.fuzz.commands import readers

    return readers(kind)
