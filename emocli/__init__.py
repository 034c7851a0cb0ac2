"""Emotion recognition from text, voice and face: from raw clips to a robustness report.

The public API, imported when it is first used::

    import emocli

    manifest = emocli.Manifest.read("corpus.csv")
    emocli.extract(manifest, ["mel", "face_hog"], "store")
    emocli.train(manifest, "store", fusion="rrnn", run="runs/rrnn")
    emocli.evaluate("runs/rrnn", corrupt=["visual@0.01"]).data["corrupted"]
    emocli.load_run("runs/rrnn").predict("new.csv", "new_store").table()
    emocli.load_run("runs/rrnn").predict(["interview.mp4"]).segments
"""

from __future__ import annotations

TYPE_CHECKING = False
"""That of `typing`, whose import is half of that of the package, in which Ctrl-C is not caught."""

if TYPE_CHECKING:
    from typing import Any

    from emocli.data.manifest import Manifest as Manifest
    from emocli.data.store import FeatureStore as FeatureStore
    from emocli.evaluation.compare import compare as compare
    from emocli.evaluation.evaluate import evaluate as evaluate
    from emocli.extraction.extract import extract as extract
    from emocli.features.faces.cascade import find_faces as find_faces
    from emocli.interchange.arrays import store_arrays as store_arrays
    from emocli.plugin.robustness import RepairOptions as RepairOptions
    from emocli.plugin.robustness import RobustOptions as RobustOptions
    from emocli.prediction.loaded_run import load_run as load_run
    from emocli.prediction.packing.assets import AssetOptions as AssetOptions
    from emocli.prediction.packing.pack import PackOptions as PackOptions
    from emocli.prediction.packing.pack import pack as pack
    from emocli.prediction.predict import PredictOptions as PredictOptions
    from emocli.prediction.predict import predict as predict
    from emocli.prediction.segmentation.segment_recordings import segment as segment
    from emocli.prediction.segmentation.segmenter import SegmentOptions as SegmentOptions
    from emocli.training.train import train as train
    from emocli.training.tuning.study import tune as tune

    __version__: str

_HOME = {
    "Manifest": "emocli.data.manifest",
    "FeatureStore": "emocli.data.store",
    "segment": "emocli.prediction.segmentation.segment_recordings",
    "extract": "emocli.extraction.extract",
    "find_faces": "emocli.features.faces.cascade",
    "store_arrays": "emocli.interchange.arrays",
    "train": "emocli.training.train",
    "tune": "emocli.training.tuning.study",
    "evaluate": "emocli.evaluation.evaluate",
    "compare": "emocli.evaluation.compare",
    "pack": "emocli.prediction.packing.pack",
    "load_run": "emocli.prediction.loaded_run",
    "predict": "emocli.prediction.predict",
    "AssetOptions": "emocli.prediction.packing.assets",
    "PackOptions": "emocli.prediction.packing.pack",
    "PredictOptions": "emocli.prediction.predict",
    "RepairOptions": "emocli.plugin.robustness",
    "RobustOptions": "emocli.plugin.robustness",
    "SegmentOptions": "emocli.prediction.segmentation.segmenter",
}
"""Public name to the module that has it: heavy libraries load with it, not with the package."""

__all__ = [
    "AssetOptions",
    "FeatureStore",
    "Manifest",
    "PackOptions",
    "PredictOptions",
    "RepairOptions",
    "RobustOptions",
    "SegmentOptions",
    "__version__",
    "compare",
    "evaluate",
    "extract",
    "find_faces",
    "load_run",
    "pack",
    "predict",
    "segment",
    "store_arrays",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from emocli.version import version

        return version()
    if name not in _HOME:
        raise AttributeError(f"module 'emocli' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
