from pathlib import Path
from emocli.data.manifest import Manifest
from emocli.data.json_io import as_json
from emocli.prediction.predict import predict


def test_moved(trained: Path, moved: Path, corpus: Manifest, tmp_path: Path) -> None:
    import subprocess
    print(subprocess.run(["find", moved, "-type", "f"], capture_output=True, text=True).stdout)
    print((moved / "README.md").read_text())
    print((moved / "pack.json").read_text())
    print((moved / "config.json").read_text())
    videos = [clip.media["video"] for clip in corpus.split("test")]
    before = predict(trained, videos, tmp_path / "a")
    after = predict(moved, videos, tmp_path / "b")
    assert as_json(before.segments) == as_json(after.segments)
