"""A GPU beside the CPU: every network and encoder trained on it, evaluated there, and compared.

    python benchmarks/gpu.py [--device cuda] [--small] [--network NAME ...] [--seconds 480]
        [--json gpu.json] [--folder DIR]

Needs no data: clips, faces and texts are those of the generated corpus, the sequences that networks
fuse are noise around the emotion's direction. Each network is trained for some epochs in 32 bits
and in bfloat16, and so are a small text encoder, from scratch, and an extractor of faces; faces are
searched; faces, spectrograms and whole frames are embedded. What the device computes is held
against the CPU's, in 32 bits, within `BOUNDS`. Printed are items per second on both (validation
included), and the share of the card's own bound: its largest product of matrices, measured here in
the same arithmetic. A training step's operations are those PyTorch counts on the CPU, products of
matrices and convolutions; small networks are far from that bound.

What does not fit into --seconds is left out or cut off, and named; what fails is told, and the rest
goes on. The JSON is written anew after each section, so that whatever ends the script leaves it.
The exit code is 1 if something failed or a difference is beyond its bound. --small is for machines
without a GPU: it shows that the script runs, not a speed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_bench import (
    FULL,
    PRECISIONS,
    SMALL,
    VIEWS,
    Bench,
    Rate,
    Size,
    demo_settings,
    largest_product,
    relative,
    report,
    sequences,
    show,
    spoken,
    timed,
    written,
)
from numpy.typing import NDArray
from options import make_parser
from torch.utils.flop_counter import FlopCounterMode

from emocli import plugins
from emocli.config import Tree, build
from emocli.data.manifest import Manifest
from emocli.data.media.content import read_frames
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import open_feature, open_features
from emocli.evaluation.evaluate import evaluate
from emocli.evaluation.evaluator import RunEvaluator
from emocli.extraction.extract import extract
from emocli.features.faces.boxes import overlap
from emocli.features.faces.cascade import Cascade
from emocli.models import losses
from emocli.models.rundir import read_history
from emocli.models.settings import Accelerator
from emocli.models.text import describe, load
from emocli.models.text_reader import read_clips
from emocli.training.encoders.fit_encoder import fit_encoder
from emocli.training.encoders.fit_text import fit_text
from emocli.training.train import train

# -- networks


def networks(bench: Bench, chosen: Sequence[str]) -> None:
    if time.monotonic() - bench.start >= bench.seconds:
        bench.skipped += [f"network {fusion}" for fusion in chosen]
        return
    manifest = spoken(bench)
    store = sequences(bench, manifest)
    for fusion in chosen:
        go = partial(network, manifest=manifest, store=store, fusion=fusion)
        bench.attempt(f"network {fusion}", go)


def network(bench: Bench, manifest: Manifest, store: Path, fusion: str) -> None:
    features = ["covarep"] if fusion == "unimodal" else list(VIEWS)
    rates: dict[tuple[str, str], float] = {}
    first: dict[tuple[str, str], float] = {}
    for device, precision in trials(bench):
        run = bench.folder / f"{fusion}-{precision}-{device}"
        epochs = bench.size.epochs if device == bench.device else 1
        settings = still(bench, fusion) | {
            "train": {
                "epochs": epochs,
                "patience": epochs,
                "precision": precision,
                "accelerator": device,
                "batch_size": 8 if fusion == "m2fnet" else 32,
            }
        }
        fit = partial(train, manifest, store, fusion=fusion, features=features, overwrite=True)
        if device != "cpu":  # libraries are loaded, kernels chosen
            warm = settings["train"] | {"epochs": 1, "patience": 1}
            fit(run=run.with_name(f"{run.name}-warm"), settings=settings | {"train": warm})
        summary = fit(run=run, settings=settings)
        seconds = sum(seed.seconds for seed in summary.seeds)
        rates[precision, device] = epochs * summary.clips["train"] / seconds
        first[precision, device] = float(read_history(run)[0]["train_loss"])
    for precision in PRECISIONS:
        ours, theirs = first[precision, bench.device], first["32-true", "cpu"]
        bench.compare(fusion, f"first loss {precision}", abs(ours - theirs) / abs(theirs))
    step = operations(bench, manifest, store, fusion, features)
    for precision in PRECISIONS:
        rate, cpu = rates[precision, bench.device], rates["32-true", "cpu"]
        flops = rate * step / 1e12
        share = flops / bench.bound[precision]
        bench.rates.append(Rate(fusion, precision, "clips", rate, cpu, flops, share))
    gradients(bench, manifest, store, fusion, features)
    predictions(bench, bench.folder / f"{fusion}-32-true-{bench.device}", fusion)


def trials(bench: Bench) -> list[tuple[str, str]]:
    """List what is trained where: on the CPU in 32 bits alone."""
    return list(dict.fromkeys([("cpu", "32-true"), *((bench.device, p) for p in PRECISIONS)]))


def still(bench: Bench, fusion: str) -> dict[str, Any]:
    """Set a network up without dropout, so that the same seed means the same on every device."""
    known = plugins.load("fusion", fusion).Config.model_fields
    small = {key: value for key, value in bench.size.network.items() if key in known}
    return {"network": small | {key: 0.0 for key in known if key.endswith("dropout")}}


def prepared(
    bench: Bench, manifest: Manifest, store: Path, fusion: str, features: list[str]
) -> tuple[Any, Any]:
    """Return a network in training, without dropout, and a batch for it, both on the CPU."""
    module = plugins.load("fusion", fusion)
    stores = open_features(store, features, manifest)
    train_split = Samples.of(manifest, "train", stores)
    samples = train_split.then(Standardiser.fit(train_split))
    config = build(module.Config, still(bench, fusion)["network"], "network")
    torch.manual_seed(0)
    dims = {VIEWS[name][0]: VIEWS[name][1] for name in features}
    made = module.Model(dims, len(manifest.classes), config).train()
    made.set_task("single", "ce")
    return made, next(iter(samples.batches(16, module.Model.level)))


def backward(made: Any, batch: Any, device: str, precision: str) -> NDArray[np.float64]:
    """Return all derivatives of one step."""
    made, batch = made.to(device), batch.to(device)
    made.zero_grad()
    with torch.autocast(device, torch.bfloat16, enabled=precision != "32-true"):
        loss = made.loss(made(batch), batch, losses.base_loss("ce", "single"))
    loss.backward()
    parts = [p.grad.flatten() for p in made.parameters() if p.grad is not None]
    flat: NDArray[np.float64] = torch.cat(parts).double().cpu().numpy()
    return flat


def gradients(
    bench: Bench, manifest: Manifest, store: Path, fusion: str, features: list[str]
) -> None:
    made, batch = prepared(bench, manifest, store, fusion, features)
    wanted = backward(made, batch, "cpu", "32-true")
    for precision in PRECISIONS:
        got = backward(made, batch, bench.device, precision)
        difference = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
        bench.compare(fusion, f"gradient {precision}", float(difference))


def operations(
    bench: Bench, manifest: Manifest, store: Path, fusion: str, features: list[str]
) -> float:
    """Count a training step's operations for a clip: PyTorch's own count, LSTMs step by step."""
    made, batch = prepared(bench, manifest, store, fusion, features)
    with FlopCounterMode(display=False) as counter, torch.backends.mkldnn.flags(enabled=False):
        backward(made, batch, "cpu", "32-true")
    return float(counter.get_total_flops() / len(batch))


def predictions(bench: Bench, run: Path, fusion: str) -> None:
    """Evaluate on the device as `emocli evaluate --device` does, and compare clip by clip."""
    evaluator = RunEvaluator.open(run, "test", None, None)
    ours, theirs = (evaluator.on(place).predict((), 0).values[0] for place in bench.accelerators)
    bench.compare(fusion, "probabilities", np.abs(ours - theirs).max())
    evaluate(run, device=bench.device, figures=False)


# -- texts


def texts(bench: Bench) -> None:
    manifest, found = spoken(bench), {}
    for device, precision in trials(bench):
        run = bench.folder / f"text-{precision}-{device}"
        own = {"epochs": 1, "precision": precision, "accelerator": device, "lr": 1e-4}
        settings = {"text": {"backbone": "scratch", **bench.size.text}, "train": own}
        fit = partial(fit_text, manifest, run, settings=settings, overwrite=True)
        found[precision, device] = len(manifest.split("train")) / timed(fit, device)
    for precision in PRECISIONS:
        rates = found[precision, bench.device], found["32-true", "cpu"]
        bench.rate("text encoder and its set-up", precision, "texts", *rates)
    network, reader, _ = load(bench.folder / f"text-32-true-{bench.device}")
    readings = list(read_clips(reader, manifest.split("test")).values())
    pad = int(reader.tokenizer.pad_token_id)
    ours, theirs = (describe(network.to(device), readings, pad) for device in bench.accelerators)
    bench.compare("text encoder", "text vectors", relative(ours, theirs))


# -- pictures


def drawn(bench: Bench) -> Manifest:
    """Draw the clips of the generated corpus, at first use."""
    path = bench.folder / "drawn" / "manifest.csv"
    if not path.exists():
        demo = plugins.load("datasets", "demo")
        demo.build(path.parent, demo_settings(bench, bench.size.drawn)).write(path)
    return Manifest.read(path)


def extracted(bench: Bench, manifest: Manifest, feature: str) -> Path:
    """Extract what an encoder is trained on, at first use; return the store."""
    store = bench.folder / "pictures"
    rate = {"rate": bench.size.pictures_per_second, "min_share": 0.2, "device": bench.device}
    settings: Tree = {"faces": rate} if feature == "faces" else {}
    extract(manifest, [feature], store, settings=settings)
    return store


def cascade(bench: Bench) -> None:
    """Search the frames of some clips."""
    clips = drawn(bench).clips[: 2 if bench.size is SMALL else 8]
    frames = [f.image for clip in clips for f in read_frames(clip.media["video"])]
    images = np.stack(frames[:: 4 if bench.size is SMALL else 1])
    rates, boxes = [], []
    for device in bench.accelerators:
        find = Cascade(device=device)
        boxes.append(find(images, 50))
        rates.append(len(images) / timed(partial(find, images, 50), device))
    bench.rate("face cascade", "32-true", "frames", *rates)
    least = 1.0
    for ours, theirs in zip(*boxes, strict=True):
        shares = overlap(ours.boxes, theirs.boxes)
        twins = [*shares.max(axis=0, initial=0), *shares.max(axis=1, initial=0)]
        least = min([least, *twins])
    bench.compare("face cascade", "face boxes", 1 - least)


ENCODERS = {"face": "faces", "audio": "mel", "scene": ""}
"""Kind of encoder to the feature it is trained on; whole frames are of the videos themselves."""


def encoder(bench: Bench, kind: Any, device: str, precision: str, epochs: int) -> float:
    """Train an encoder; return pictures per second in the last epoch."""
    manifest = drawn(bench)
    feature = ENCODERS[kind]
    store = extracted(bench, manifest, feature) if feature else bench.folder / "pictures"
    run = bench.folder / f"{kind}-{precision}-{device}"
    own = {"epochs": epochs, "classes": 2, "per_class": 2, "lr": 1e-4, "precision": precision}
    settings = {"encoder": bench.size.encoder, "train": {**own, "accelerator": device}}
    done = fit_encoder(kind, manifest, run, store=store, settings=settings, overwrite=True)
    return done.train / float(read_history(run)[-1]["seconds"])


def extractor(bench: Bench) -> None:
    """Train the extractor of faces; on the device a first epoch chooses the kernels."""
    rates = {
        (precision, device): encoder(bench, "face", device, precision, 1 + (device != "cpu"))
        for device, precision in trials(bench)
    }
    for precision in PRECISIONS:
        both = rates[precision, bench.device], rates["32-true", "cpu"]
        bench.rate("picture extractor", precision, "pictures", *both)


def embeddings(bench: Bench, kind: str, feature: str) -> None:
    """Embed with one encoder, trained on the device, on both."""
    run = bench.folder / f"{kind}-32-true-{bench.device}"
    if kind != "face":
        encoder(bench, kind, bench.device, "32-true", 1)
    manifest, store = drawn(bench), bench.folder / "pictures"
    rates, vectors = [], []
    for device in bench.accelerators:
        settings = {feature: {"encoder": str(run), "device": device}}
        go = partial(extract, manifest, [feature], store, settings=settings, overwrite=True)
        rates.append(len(manifest.clips) / timed(go, device))
        read = open_feature(store, feature, manifest)
        vectors.append(np.concatenate([read[c.id] for c in manifest.clips if read.length(c.id)]))
    what = feature.replace("_embedding", " embeddings")
    bench.rate(f"{what}, from files", "32-true", "clips", *rates)
    bench.compare(what, "embeddings", relative(*vectors))


# -- all of it


@contextmanager
def place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def measure(
    device: Accelerator,
    size: Size,
    folder: Path,
    seconds: float,
    chosen: Sequence[str] = (),
    keep: Callable[[Bench], None] = lambda bench: None,
) -> Bench:
    bench = Bench(device, size, folder, seconds, keep=keep)
    for precision in PRECISIONS:
        bench.bound[precision] = largest_product(device, size.product, precision)
    bench.attempt("face cascade", cascade)
    bench.attempt("picture extractor", extractor)
    for kind, feature in (("face", "face"), ("audio", "mel"), ("scene", "scene")):
        go = partial(embeddings, kind=kind, feature=f"{feature}_embedding")
        bench.attempt(f"{feature} embeddings", go)
    bench.attempt("text encoder", texts)
    networks(bench, chosen or plugins.names("fusion"))
    return bench


def main(arguments: list[str] | None = None) -> int:
    parser = make_parser(__doc__, seconds=480.0)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--network", action="append", choices=plugins.names("fusion"))
    parser.add_argument("--json", type=Path, default=Path("gpu.json"))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("there is no GPU here: --device cpu --small shows that the script runs")
    with place(options.folder) as folder:
        size = SMALL if options.small else FULL
        keep = partial(written, options.json)
        chosen = options.network or ()
        bench = measure(options.device, size, folder, options.seconds, chosen, keep)
    written(options.json, bench)
    show(report(bench))
    return 0 if all(c.within for c in bench.comparisons) and not bench.failures else 1


if __name__ == "__main__":
    sys.exit(main())
