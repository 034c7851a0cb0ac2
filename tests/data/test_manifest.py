from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest, Task
from emocli.errors import EmocliWarning, ManifestError

CLASSES = ("sad", "happy", "angry")
SIDECAR = 'dataset = "toy"\nclasses = ["sad", "happy", "angry"]\n'


def write(folder: Path, table: str | bytes, sidecar: str | None = SIDECAR) -> Path:
    path = folder / "toy.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    if sidecar is not None:
        path.with_suffix(".toml").write_text(sidecar, "utf-8")
    return path


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ManifestError) as caught:
        Manifest.read(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def corpus(root: Path, **changes: Any) -> Manifest:
    clips = (
        Clip("a", "train", "ann", "d1", 0, 0.0, 1.25, "Hi,\nshe said: “no”.", label="sad"),
        Clip("b", "train", "bob", "d1", 1, media={"audio": root / "x/b.wav"}, label="happy"),
        Clip("c", "valid", "cat", "d2", 0, start=2.5, media={"video": root / "c d.mp4"}),
        Clip("d", "test", "dan", text='""', label="angry", labels={"sad": 0.25}),
    )
    values: dict[str, Any] = {
        "clips": clips,
        "classes": CLASSES,
        "task": "single",
        "dataset": 'a "toy"',
        "root": root,
        "citation": "Nobody 2020, “nothing”\nsecond line",
        "licence": "CC0",
    }
    return Manifest(**values | changes)


def test_it_is_shown_in_a_line(tmp_path: Path) -> None:
    assert repr(corpus(tmp_path, dataset="toy")) == "Manifest('toy', 4 clips)"
    path = write(tmp_path, "id\na\n")
    assert repr(Manifest.read(path)) == f"Manifest('{path}', 1 clips)"


def test_it_reads_what_the_columns_say(tmp_path: Path) -> None:
    table = (
        "id,split,dialogue,turn,speaker,start,end,text,media.audio,media.eeg,label,label.sad\n"
        'one,train,d,3,ann,0.5,2,"Hi, ""you""\nthere",sub/a.wav,e.bin,happy,0.5\n'
        "two,test,,,,,,,,,,\n"
    )
    one, two = Manifest.read(write(tmp_path, table)).clips
    assert (one.id, one.split, one.dialogue, one.turn, one.speaker) == (
        "one",
        "train",
        "d",
        3,
        "ann",
    )
    assert (one.start, one.end, one.text) == (0.5, 2.0, 'Hi, "you"\nthere')
    assert one.media == {"audio": tmp_path / "sub/a.wav", "eeg": tmp_path / "e.bin"}
    assert (one.label, one.labels) == ("happy", {"sad": 0.5})
    assert two == Clip("two", "test")


def test_a_manifest_of_ids_is_enough(tmp_path: Path) -> None:
    manifest = Manifest.read(write(tmp_path, "id\na\n\nb\n"))
    assert manifest.clips == (Clip("a"), Clip("b"))
    assert (manifest.dataset, manifest.classes, manifest.task) == ("toy", CLASSES, "single")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends_do_not_matter(
    tmp_path: Path, encoding: str, end: str
) -> None:
    table = end.join(["id,text", "a,“é”", ""]).encode(encoding)
    assert Manifest.read(write(tmp_path, table)).clips == (Clip("a", text="“é”"),)


def test_writing_and_reading_gives_the_same(tmp_path: Path) -> None:
    manifest = corpus(tmp_path / "media")
    manifest.write(tmp_path / "lists" / "toy.csv")
    again = Manifest.read(tmp_path / "lists" / "toy.csv")
    assert again == manifest
    assert again.fingerprint == manifest.fingerprint
    assert sorted(p.name for p in (tmp_path / "lists").iterdir()) == ["toy.csv", "toy.toml"]


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
names = st.text("abcxyz äß'\"#,.-_é ", min_size=1, max_size=8).filter(lambda s: s.strip(". "))
numbers = st.floats(-1e6, 1e6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(names, texts, st.floats(0, 1e6), numbers, names), min_size=1, max_size=5
    ),
    dataset=texts,
    citation=texts,
)
def test_any_text_and_number_comes_back(
    tmp_path: Path,
    rows: list[tuple[str, str, float, float, str]],
    dataset: str,
    citation: str,
) -> None:
    clips = tuple(
        Clip(f"{index}{name}", text=text, start=start, labels={"sad": number, "happy": 0.0})
        for index, (name, text, start, number, file) in enumerate(rows)
    )
    clips = tuple(
        replace(clip, media={"audio": tmp_path / row[4]})
        for clip, row in zip(clips, rows, strict=True)
    )
    manifest = Manifest(clips, ("sad", "happy"), "intensity", dataset, tmp_path, citation)
    manifest.write(tmp_path / "any.csv")
    assert Manifest.read(tmp_path / "any.csv") == manifest


def test_the_root_travels_with_the_manifest_or_is_given(tmp_path: Path) -> None:
    beside, elsewhere = tmp_path / "corpus", tmp_path / "lists"
    manifest = corpus(beside / "media")
    manifest.write(beside / "toy.csv")
    manifest.write(elsewhere / "toy.csv")
    assert 'root = "media"' in (beside / "toy.toml").read_text()
    assert Manifest.read(elsewhere / "toy.csv").root == beside / "media"
    moved = beside.rename(tmp_path / "moved")
    assert Manifest.read(moved / "toy.csv").root == moved / "media"
    (tmp_path / "other").mkdir()
    given = Manifest.read(moved / "toy.csv", root=tmp_path / "other")
    assert given.clip("b").media["audio"] == tmp_path / "other" / "x/b.wav"
    assert given.fingerprint == manifest.fingerprint


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    corpus(tmp_path).write(path)
    before = path.read_bytes()
    for text, said in (("\ud800", "UTF-8"), ("a\0b", "NUL")):
        bad = corpus(tmp_path, clips=(Clip("a", text=text),))
        with pytest.raises(ManifestError, match=said):
            bad.write(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"", "toy.csv: is empty"),
        (b"\n\n", "toy.csv: is empty"),
        (b"id,text\n", "toy.csv: holds no clip; add clips, a row each"),
        (b"id\na\n\x00\n", "row 3: is not a text file"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        (b"split,text\ntrain,x\n", "row 1: column 'id' is missing"),
        (b"id,text,id\na,x,b\n", "row 1: column 'id' is there twice"),
        (b"id,spilt\na,train\n", "row 1: unknown column 'spilt'; did you mean 'split'?"),
        (b"id,colour\na,red\n", "unknown column 'colour'; there are: id, split"),
        (b"id,media.\na,x\n", "unknown column 'media.'"),
        (b"id,label.hapy\na,1\n", "unknown column 'label.hapy'; did you mean 'label.happy'?"),
        (b"id,text\na,x\nb\n", "row 3: has 1 cells where the header has 2"),
        (b'id,text\na,"x\n', "row 2: is not valid CSV"),
        (b"id\na\nb\na\n", "row 4, column 'id': id 'a' is already that of another clip; see"),
        (b"id,text\n,x\n", "row 2, column 'id': is empty"),
        (
            b"id,split\na,eval\n",
            "row 2, column 'split': there is no split 'eval'; splits are: train",
        ),
        (b'id,start\na,"0,5"\n', "'0,5' is not a number, write a point for the decimal comma"),
        (
            b"id,media.audio\na,C:\\x\\a.wav\n",
            "is an absolute path; paths are relative to the root",
        ),
        (b"id,media.audio\na,\\\\host\\a.wav\n", "is an absolute path"),
        (b"id,media.audio\na,x\\..\\..\\b.wav\n", "leads outside the root"),
        (b"id,split\na,\n", "row 2, column 'split': there is no split ''"),
        (b"id,turn\na,1.5\n", "row 2, column 'turn': '1.5' is not a whole number"),
        (b"id,turn\na,x\n", "row 2, column 'turn': 'x' is not a number"),
        (b"id,start\na,0:12\n", "row 2, column 'start': '0:12' is not a number"),
        (b"id,end\na,nan\n", "row 2, column 'end': 'nan' is not a finite number"),
        (b"id,end\na,inf\n", "row 2, column 'end': 'inf' is not a finite number"),
        (b"id,start\na,-1\n", "row 2, column 'start': -1 s is no time in a file"),
        (b"id,start,end\na,2,2\n", "row 2, column 'end': 2 s is not after the start, 2 s"),
        (
            b"id,label\na,hapy\n",
            "row 2, column 'label': 'hapy' is not a class; did you mean 'happy'",
        ),
        (b"id,label\na,7\n", "'7' is not a class; there are: sad, happy, angry"),
        (b"id,label.sad\na,much\n", "row 2, column 'label.sad': 'much' is not a number"),
        (b"id,label.sad\na,nan\n", "'nan' is not a finite number"),
        (
            b"id,media.audio\na,/etc/passwd\n",
            "row 2, column 'media.audio': '/etc/passwd' is an abs",
        ),
        (
            b"id,media.audio\na,x/../../b.wav\n",
            "row 2, column 'media.audio': 'x/../../b.wav' leads",
        ),
        (b"id,media.audio\na,..\n", "leads outside the root"),
        (
            b"id,split,speaker\na,train,ann\nb,test,ann\n",
            "row 3, column 'speaker': speaker 'ann' is in train and in test; keep it in one split",
        ),
        (
            b"id,split,dialogue\na,train,d1\nb,valid,d1\n",
            "row 3, column 'dialogue': dialogue 'd1' is in train and in valid",
        ),
    ],
)
def test_a_broken_table_is_refused_by_row_and_column(
    tmp_path: Path, table: bytes, said: str
) -> None:
    assert said in refusal(write(tmp_path, table))


@pytest.mark.parametrize(
    ("task", "cells", "said"),
    [
        ("multi", "1,0,0.5", "row 2, column 'label.angry': 0.5 is neither 0 nor 1"),
        ("multi", "1,0,", "row 2, column 'label.angry': has no value, though other classes"),
        ("intensity", "1,,0", "row 2, column 'label.happy': has no value"),
    ],
)
def test_labels_must_fit_the_task(tmp_path: Path, task: str, cells: str, said: str) -> None:
    table = f"id,label.sad,label.happy,label.angry\na,{cells}\n"
    assert said in refusal(write(tmp_path, table, f'{SIDECAR}task = "{task}"\n'))


def test_the_line_is_that_of_an_editor(tmp_path: Path) -> None:
    table = 'id,start,text\na,1,"one\ntwo\nthree"\n\nb,x,ok\n'
    assert "row 6, column 'start'" in refusal(write(tmp_path, table))


@pytest.mark.parametrize(
    ("sidecar", "said"),
    [
        (None, "there is no 'toy.toml' beside it; write it: dataset = 'NAME'"),
        ("", "toy.toml: setting 'dataset' is missing"),
        ('dataset = "x"\n', "setting 'classes' is missing"),
        (SIDECAR + "clases = []\n", "toy.toml: unknown setting 'clases'; did you mean 'classes'?"),
        (SIDECAR + 'task = "both"\n', "setting 'task' = 'both'"),
        (SIDECAR + "root = 3\n", "setting 'root' = 3"),
        ('dataset = "x"\nclasses = ["a", "b", "a"]\n', "class 'a' is listed twice"),
        ("dataset = toy\n", "toy.toml: is not valid TOML"),
    ],
)
def test_a_broken_sidecar_is_refused(tmp_path: Path, sidecar: str | None, said: str) -> None:
    assert said in refusal(write(tmp_path, "id\na\n", sidecar))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_every_encoding_and_separator_will_do(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "toy.csv"
    path.write_bytes("ID;Split; text ;Media.Audio\na;Dev;naïve;x\\b.wav\n".encode(encoding))
    sidecar = "\n".join(['dataset = "naïve"', 'classes = ["ä"]'])
    (tmp_path / "toy.toml").write_bytes(sidecar.encode(encoding))
    with pytest.warns(EmocliWarning, match="semicolons"):
        manifest = Manifest.read(path)
    (clip,) = manifest.clips
    assert (clip.id, clip.split, clip.text) == ("a", "valid", "naïve")
    assert clip.media == {"audio": tmp_path / "x" / "b.wav"}
    assert (manifest.dataset, manifest.classes) == ("naïve", ("ä",))


def test_a_backslash_is_part_of_a_name_where_a_file_has_it(tmp_path: Path) -> None:
    (tmp_path / "x\\b.wav").touch()
    long = "n" * 300
    path = write(tmp_path, f"id,media.audio\na,x\\b.wav\nb,x\\c.wav\nc,x\\{long}\n")
    files = [clip.media["audio"] for clip in Manifest.read(path).clips]
    assert files == [tmp_path / "x\\b.wav", tmp_path / "x" / "c.wav", tmp_path / "x" / long]


@pytest.mark.parametrize(
    ("name", "split"),
    [("Train", "train"), ("TRAINING", "train"), ("dev", "valid"), ("Val ", "valid"),
     ("development", "valid"), ("Validation", "valid"), ("Testing", "test"), ("TEST", "test")],
)  # fmt: skip
def test_splits_have_several_names(tmp_path: Path, name: str, split: str) -> None:
    assert Manifest.read(write(tmp_path, f"id,split\na,{name}\n")).clips[0].split == split


def test_files_that_cannot_be_manifests(tmp_path: Path) -> None:
    hint = "; name the .csv file of a manifest, which emocli manifest writes"
    assert f"there is no such file{hint}" in refusal(tmp_path / "none.csv")
    assert f"cannot be read (Is a directory){hint}" in refusal(tmp_path)
    write(tmp_path, "id\na\n")
    with pytest.raises(ManifestError, match=r"name the \.csv file"):
        corpus(tmp_path).write(tmp_path / "toy.toml")


def test_speakers_may_cross_splits_if_the_corpus_says_so(tmp_path: Path) -> None:
    table = "id,split,speaker\na,train,ann\nb,test,ann\n"
    manifest = Manifest.read(write(tmp_path, table, SIDECAR + "overlap = true\n"))
    assert [clip.split for clip in manifest.clips] == ["train", "test"]


def test_a_built_manifest_keeps_the_same_rules(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"clip 'x', column 'media\.audio'.*outside the root"):
        corpus(tmp_path, clips=(Clip("x", media={"audio": tmp_path.parent / "x.wav"}),))
    with pytest.raises(ManifestError, match=r"a \"toy\", clip 'x', column 'id': id 'x' is already"):
        corpus(tmp_path, clips=(Clip("x"), Clip("x")))
    with pytest.raises(ManifestError, match="holds no clip"):
        corpus(tmp_path, clips=())


def test_splits_dialogues_and_clips(tmp_path: Path) -> None:
    manifest = corpus(tmp_path)
    assert [clip.id for clip in manifest.split("train")] == ["a", "b"]
    with pytest.raises(ManifestError, match="no split 'dev'; splits are: train, valid, test"):
        manifest.split("dev")
    late_first = replace(manifest, clips=tuple(reversed(manifest.clips)))
    dialogues = late_first.dialogues()
    assert [clip.id for clip in dialogues["d1"]] == ["a", "b"]
    assert [clip.id for clip in dialogues["d"]] == ["d"]
    assert manifest.clip("c").split == "valid"
    with pytest.raises(ManifestError, match="there is no clip 'e'"):
        manifest.clip("e")


@pytest.mark.parametrize(
    ("task", "labels", "wanted"),
    [
        ("multi", ({"sad": 1, "happy": 0, "angry": 1}, {}), [[1, 0, 1]]),
        ("intensity", ({"sad": -0.5, "happy": 3, "angry": 0}, {}), [[-0.5, 3, 0]]),
    ],
)
def test_targets_of_many_classes(
    tmp_path: Path, task: Task, labels: tuple[dict[str, float], ...], wanted: list[list[float]]
) -> None:
    clips = tuple(Clip(str(k), labels=values) for k, values in enumerate(labels))
    manifest = corpus(tmp_path, clips=clips, task=task)
    assert [manifest.is_labelled(clip) for clip in clips] == [True, False]
    targets = manifest.targets(clips[:1])
    assert targets.dtype == np.float32
    np.testing.assert_array_equal(targets, wanted)
    assert manifest.targets([]).shape == (0, 3)
    with pytest.raises(ManifestError, match="clip '1' has no label"):
        manifest.targets(clips)


def test_targets_of_one_class(tmp_path: Path) -> None:
    manifest = corpus(tmp_path)
    labelled = [clip for clip in manifest.clips if manifest.is_labelled(clip)]
    assert [clip.id for clip in labelled] == ["a", "b", "d"]
    targets = manifest.targets(labelled)
    assert targets.dtype == np.int64
    assert targets.tolist() == [0, 1, 2]
    with pytest.raises(ManifestError, match="clip 'c' has no label"):
        manifest.targets(manifest.clips)


def test_the_fingerprint_is_of_what_features_depend_on(tmp_path: Path) -> None:
    manifest = corpus(tmp_path)

    def changed(**values: Any) -> bool:
        first, *rest = manifest.clips
        other = replace(manifest, clips=(replace(first, **values), *rest))
        return other.fingerprint != manifest.fingerprint

    assert changed(text="other")
    assert changed(start=0.1)
    assert changed(end=1.5)
    assert changed(id="z")
    assert changed(media={"audio": tmp_path / "y.wav"})
    assert not changed(label="happy")
    assert not changed(speaker="zoe", dialogue="d9", turn=4)
    assert replace(manifest, clips=manifest.clips[::-1]).fingerprint == manifest.fingerprint
    assert replace(manifest, clips=manifest.clips[1:]).fingerprint != manifest.fingerprint
    assert corpus(tmp_path / "moved").fingerprint == manifest.fingerprint


def test_it_travels_to_workers(tmp_path: Path) -> None:
    table = "id,media.audio,label.sad\na,x.wav,1\n"
    manifest = Manifest.read(write(tmp_path, table))
    assert pickle.loads(pickle.dumps(manifest)) == manifest
