from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.errors import ManifestError


@pytest.mark.parametrize(("name", "task"), [("example", "single"), ("example_multi", "multi")])
def test_the_examples_can_be_read(name: str, task: str) -> None:
    manifest = Manifest.read(Path(__file__).parents[2] / "data_manifests" / f"{name}.csv")
    assert manifest.task == task
    assert all(manifest.split(split) for split in ("train", "valid", "test"))
    assert len(manifest.targets(manifest.clips)) == len(manifest.clips)


def test_csv_and_toml_appear_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.csv"
    old = Manifest((Clip(id="a", split="train", label="x"),), ("x",), "single", "old", tmp_path)
    new = Manifest((Clip(id="a", split="train", label="x"),), ("x", "y"), "single", "n", tmp_path)
    more = replace(new, clips=(*new.clips, Clip(id="b", split="test", label="y")))
    old.write(path)
    rename = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            more.write(path)
    with pytest.raises(ManifestError, match="is not the file that 'm\\.toml' beside it"):
        Manifest.read(path)
    more.write(path)
    assert Manifest.read(path) == more
    path.write_text(path.read_text() + "c,test,,,,,,,x\n")  # a change by hand is welcome
    assert len(Manifest.read(path).clips) == 3


@pytest.mark.parametrize("text", ["=1+1", "-no", "@you", "'=x", "''-x", "'tis", "-0.5", " +a", "+"])
def test_text_that_a_spreadsheet_would_compute_is_quoted(tmp_path: Path, text: str) -> None:
    clip = Clip(id=text.strip(), split="train", text=text, label="-", speaker="@s")
    result = Manifest((clip,), ("-",), "single", "d", tmp_path)
    result.write(tmp_path / "m.csv")
    assert Manifest.read(tmp_path / "m.csv") == result
    cells = (tmp_path / "m.csv").read_text().splitlines()[1].split(",")
    assert "'@s" in cells
    assert not any(cell.startswith(("=", "@")) for cell in cells)


def test_links_may_not_lead_out_of_the_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "inside", outside):
        folder.mkdir(parents=True)
        (folder / "a.wav").touch()
    (root / "file.wav").symlink_to(outside / "a.wav")
    (root / "folder").symlink_to(outside)
    (root / "chain.wav").symlink_to(root / "file.wav")
    (root / "dangling.wav").symlink_to(outside / "nothing.wav")
    (root / "fine.wav").symlink_to("inside/a.wav")
    (root / "fine").symlink_to(root / "inside")
    path = root / "m.csv"
    (root / "m.toml").write_text('dataset = "x"\nclasses = ["a"]\n')
    for cell in ("file.wav", "folder/a.wav", "chain.wav", "dangling.wav", "inside/../file.wav"):
        path.write_text(f"id,media.audio\n1,inside/a.wav\n2,{cell}\n")
        with pytest.raises(ManifestError, match="outside the root") as caught:
            Manifest.read(path)
        assert str(caught.value).startswith(f"{path}, row 3, column 'media.audio': ")
        assert "by a symbolic link" in str(caught.value)
    path.write_text("id,media.audio,media.video\n1,fine.wav,fine/a.wav\n2,absent.wav,\n")
    linked = tmp_path / "linked"
    linked.symlink_to(root)
    for elsewhere in (None, linked):
        assert len(Manifest.read(path, elsewhere).clips) == 2
    with pytest.raises(ManifestError, match=r"clip '1', column 'media\.audio'"):
        manifest_of(Clip("1", media={"audio": root / "file.wav"}), root).write(tmp_path / "n.csv")
    assert not (tmp_path / "n.csv").exists()


def manifest_of(clip: Clip, root: Path) -> Manifest:
    return Manifest((clip,), ("a",), "single", "x", root)


def test_a_named_folder_of_media_has_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    manifest_of(Clip("1", text="hello"), tmp_path).write(path)
    with pytest.raises(ManifestError, match="absent: there is no such folder of media"):
        Manifest.read(path, tmp_path / "absent")
