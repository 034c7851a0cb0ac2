"""Light feature plug-ins from an installed package, and a manifest whose clips misbehave on order.

What a clip's feature does is its text: "fine", "absent", "broken", "bug", "list", "nan", "empty",
"wide", "die". A clip with media.audio fails until that file exists.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest

MODULE = '''"""A toy.

Source: tests.
"""
import os
import time
from pathlib import Path

import numpy as np

from emocli.config import Settings
from emocli.data.track import Absent, Track
from emocli.errors import MediaError

MODALITY = "{modality}"
REQUIRES = {requires}
PER_CLIP = {per_clip}
LIBRARIES = ("numpy", "h5py")


class Config(Settings):
    width: int = 3
    delay: float = 0.0
    crashes: bool = True


class Extractor:
    rate = 10.0

    def __init__(self, config, clips):
        self.config = config
        self.names = tuple(f"c{{k}}" for k in range(config.width))
        self.clips = len(clips)

    def __call__(self, clip, upstream):
        time.sleep(self.config.delay)
        if clip.text == "absent":
            raise Absent("the clip has no toy")
        if clip.text == "broken" or not all(Path(p).exists() for p in clip.media.values()):
            raise MediaError("is broken", where=clip.id, hint="throw it away")
        if clip.text == "bug":
            return 1 / 0
        if clip.text == "list":
            return [1.0]
        if clip.text == "die" and self.config.crashes:
            os._exit(9)
        if clip.text == "empty":
            return Track(np.zeros((0, self.config.width), np.float32))
        rng = np.random.default_rng(list(clip.id.encode()))
        steps = int(rng.integers(1, 9))
        values = rng.normal(size=(steps, self.config.width))
        if clip.text == "nan":
            values[0, 0] = np.nan
        if clip.text == "wide":
            self.names = ()
            values = np.zeros((steps, 7))
        if upstream:
            values = values * 0 + upstream["toy"].values.mean()
        times = (np.arange(steps) + 0.5) / self.rate
        extra = {{"flag": rng.random(steps) > 0.5, "box": rng.normal(size=(steps, 4))}}
        return Track(values, times, extra, {{"steps": steps, "share": 0.1 * steps}})


def prepare(config, clips):
    return Extractor(config, clips)
'''

ENTRIES = """[emocli.features]
toy = toy_plugin
toy_mean = toy_mean_plugin
"""


def install(site: Path, per_clip: bool = False) -> Path:
    """Make a folder that, on the module path, is a package with two feature plug-ins.

    Those of another folder are forgotten, which may say otherwise.
    """
    info = site / "toys-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    plain = MODULE.format(modality="audio", requires="()", per_clip=per_clip)
    mean = MODULE.format(modality="visual", requires="('toy',)", per_clip=per_clip)
    for name, text in {"toy_plugin": plain, "toy_mean_plugin": mean}.items():
        (site / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
    return site


def corpus(texts: Iterable[str], root: Path, late: Iterable[int] = ()) -> Manifest:
    """Make a manifest with one clip per text; the clips numbered ``late`` wait for their file."""
    waits = {k: {"audio": root / f"{k}.wav"} for k in late}
    clips = tuple(
        Clip(f"clip {k:03d} é", text=text, media=waits.get(k, {})) for k, text in enumerate(texts)
    )
    return Manifest(clips=clips, classes=("a", "b"), task="single", dataset="toy", root=root)
