"""The corpus on disk: whole, equal for equal seeds, and finished by the same call after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emocli import config as settings
from emocli import plugins
from emocli.data.manifest import Manifest
from emocli.data.media import content as media
from emocli.data.media import writing
from emocli.data.words import read_words
from emocli.datasets import demo
from emocli.datasets.demo import corpus
from emocli.datasets.demo.corpus import Clarity, Config, Sizes
from emocli.datasets.demo.face import Face
from emocli.datasets.demo.render import render
from emocli.errors import ConfigError, StoreError

SMALL = Config(dialogues=Sizes(train=2, valid=1, test=1), turns=2, size=96)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    demo.build(folder, SMALL)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_plugin_is_found_and_says_what_it_is() -> None:
    description = plugins.describe("datasets", "demo")
    assert "Generated" in description.summary
    assert description.source == "emocli"


def test_the_manifest_is_valid_and_complete(root: Path, tmp_path: Path) -> None:
    manifest = demo.build(root, SMALL)
    manifest.write(tmp_path / "demo.csv")
    again = Manifest.read(tmp_path / "demo.csv")
    assert again.clips == manifest.clips
    assert again.classes == ("angry", "happy", "neutral", "sad")
    assert not again.overlap
    assert [len(again.split(name)) for name in ("train", "valid", "test")] == [4, 2, 2]
    for clip in again.clips:
        assert clip.speaker
        assert clip.dialogue
        assert clip.text
        assert again.is_labelled(clip)
        assert all(path.is_file() for path in clip.media.values())
        assert set(clip.media) == {"audio", "video", "words"}


def test_every_clip_decodes_whole(root: Path) -> None:
    planned = corpus.plan(SMALL)
    for clip, utterance in zip(demo.build(root, SMALL).clips, planned, strict=True):
        score, sound, pictures = render(utterance, SMALL, Face(utterance.speaker.look, 96))
        frames = list(media.frames(clip))
        assert len(frames) == len(pictures) == round(score.seconds * 12.5)
        assert [f.time for f in frames] == pytest.approx([n / 12.5 for n in range(len(frames))])
        error = np.abs(frames[3].image.astype(int) - pictures[3]).mean()
        assert error < 6  # the codec's
        heard = media.sound(clip, SMALL.rate)
        assert len(heard) == pytest.approx(len(sound), abs=1100)  # a frame of aac
        shared = min(len(heard), len(sound))
        assert np.corrcoef(heard[:shared], sound[:shared])[0, 1] > 0.9


def test_words_are_those_of_the_text_and_lie_where_there_is_sound(root: Path) -> None:
    for clip in demo.build(root, SMALL).clips:
        words = read_words(clip.media["words"])
        assert [word.text for word in words] == clip.text.lower().rstrip(".").split()
        sound = media.sound(clip, SMALL.rate)
        assert 0 < words[0].start < words[-1].end < len(sound) / SMALL.rate
        said = np.concatenate([sound[int(w.start * 16000) : int(w.end * 16000)] for w in words])
        assert said.std() > 3 * sound[: int(words[0].start * 16000)].std()


def test_only_names_have_no_vector(root: Path) -> None:
    lines = (root / "vectors.txt").read_text("utf-8").splitlines()
    known = {line.split(" ")[0] for line in lines}
    assert {len(line.split(" ")) for line in lines} == {1 + SMALL.vector_size}
    clips = demo.build(root, SMALL).clips
    said = {word for clip in clips for word in clip.text.lower().rstrip(".").split()}
    assert said - known <= {name.lower() for name in corpus.NAMES}


def test_equal_seeds_give_equal_files(root: Path, tmp_path: Path) -> None:
    demo.build(tmp_path, SMALL)
    assert contents(tmp_path) == contents(root)


def test_a_killed_build_is_finished_by_the_same_call(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, left = writing.write_video, iter(range(3))

    def killed(path: Path, *rest: object) -> None:
        if next(left, None) is None:
            path.with_name(f".{path.name}.tmp").write_bytes(b"half")
            raise KeyboardInterrupt
        write(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "write_video", killed)
    with pytest.raises(KeyboardInterrupt):
        demo.build(tmp_path, SMALL)
    monkeypatch.setattr(writing, "write_video", write)
    first = next(tmp_path.glob("video/train*.mp4")).stat().st_mtime_ns
    demo.build(tmp_path, SMALL)
    assert contents(tmp_path) == contents(root)
    assert next(tmp_path.glob("video/train*.mp4")).stat().st_mtime_ns == first


def test_a_lost_file_is_made_again_and_nothing_else(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(root)
    lost = next(root.glob("video/*.mp4"))
    lost.unlink()
    result = []
    write = writing.write_video
    monkeypatch.setattr(
        writing, "write_video", lambda path, *rest: (result.append(path), write(path, *rest))
    )
    demo.build(root, SMALL)
    assert result == [lost]
    assert contents(root) == before


def test_other_settings_are_refused_and_leave_the_folder_alone(root: Path) -> None:
    before = contents(root)
    for other in ({"seed": 1}, {"clarity": Clarity(audio=0.9)}):
        with pytest.raises(ConfigError, match=r"other settings.*another folder"):
            demo.build(root, SMALL.model_copy(update=other))
    assert contents(root) == before


@pytest.mark.parametrize("text", ["", "{", "[1, 2]"])
def test_a_damaged_note_of_the_settings_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "demo.json").write_text(text)
    with pytest.raises(ConfigError, match="another folder"):
        demo.build(tmp_path, SMALL)


def test_the_settings_are_noted_in_full(root: Path) -> None:
    noted = json.loads((root / "demo.json").read_text("utf-8"))
    assert noted.pop("generator") == demo.GENERATOR
    assert settings.build(Config, noted, "demo") == SMALL


def test_a_file_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("")
    with pytest.raises(StoreError, match="here: cannot be written"):
        demo.build(tmp_path / "here", SMALL)


def test_progress_counts_to_the_end(root: Path) -> None:
    told = []
    demo.build(root, SMALL, lambda done, total: told.append((done, total)))
    assert told == [(n, 8) for n in range(9)]
