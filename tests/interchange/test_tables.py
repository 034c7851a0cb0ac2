"""Tables of other programs, in the layouts their documentation shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from emocli.cli.app import run
from emocli.config import parse_sets
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.errors import ConfigError, EmocliError, StoreError
from emocli.interchange.import_features import Import, import_all
from emocli.interchange.table_source import TableFormat
from tests import toy

OPENFACE = "frame, face_id, timestamp, confidence, success, gaze_0_x, AU01_r, AU02_r, AU01_c"


def corpus(root: Path, *clips: Clip) -> Manifest:
    return Manifest(clips=clips, classes=("a",), task="single", dataset="x", root=root)


def take(
    root: Path,
    form: str,
    clips: tuple[Clip, ...],
    *columns: str,
    modality: str | None = None,
    **settings: object,
) -> tuple[Import, FeatureStore]:
    """Import a folder ``in`` into a store of its own; return the report and the feature."""
    tables = TableFormat.named(form, {form: settings}, columns)
    options = {"modality": modality, "form": tables, "overwrite": True}
    (report,) = import_all([root / "in"], corpus(root, *clips), root / "store", **options)
    return report, FeatureStore.open(report.path)


def write(root: Path, name: str, *lines: str) -> None:
    path = root / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_openface_leaves_out_frames_that_failed(tmp_path: Path) -> None:
    write(
        *(tmp_path, "a.csv", OPENFACE),
        "3, 0, 0.08, 0.80, 1, 0.3, 2.5, 0.0, 0",  # in whatever order
        "1, 0, 0.0, 0.98, 1, 0.1, 1.5, 0.5, 1",
        "2, 0, 0.04, 0.02, 0, 0, 0, 0, 0",
    )
    write(tmp_path, "b.csv", OPENFACE, "1, 0, 0.0, 0.98, 1, 0.1, 1.0, 2.0, 1")
    write(tmp_path, "other.csv", OPENFACE, "1, 0, 0.0, 0.98, 1, 0.1, 1.0, 2.0, 1")
    clips = Clip("a"), Clip("b"), Clip("c")
    report, store = take(tmp_path, "openface", clips, "AU*_r")
    assert (report.clips, report.unknown, report.missing) == (2, 1, 1)
    assert report.left_out["rows"] == 4
    assert report.left_out["failed"] == 1
    assert "of 4 rows left out: 1 failed" in str(report)
    with store:
        assert store.modality == "visual"
        assert store.dim_names == ("AU01_r", "AU02_r")
        assert_allclose(store["a"], [[1.5, 0.5], [2.5, 0]])
        assert_allclose(store.track("a").times, [0, 0.08])
    surer, store = take(tmp_path, "openface", clips, "AU*_r", min_confidence=0.9)
    assert surer.left_out["unsure"] == 1
    with store:
        assert_allclose(store["a"], [[1.5, 0.5]])


def test_openface_of_several_faces(tmp_path: Path) -> None:
    write(
        *(tmp_path, "a.csv", OPENFACE),
        "1, 0, 0.0, 0.99, 1, 0, 9, 0, 0",
        "1, 3, 0.0, 0.90, 1, 0, 1, 0, 0",
        "2, 3, 0.1, 0.90, 1, 0, 2, 4, 0",
        "3, 0, 0.2, 0.10, 0, 0, 0, 0, 0",
        "3, 3, 0.2, 0.90, 1, 0, 3, 0, 0",
    )
    main, store = take(tmp_path, "openface", (Clip("a"),), "AU01_r")
    assert main.left_out["of_other_faces"] == 1
    with store:
        assert_allclose(store["a"][:, 0], [1, 2, 3])
    _, store = take(tmp_path, "openface", (Clip("a"),), "AU01_r", faces="mean")
    with store:
        assert_allclose(store["a"][:, 0], [5, 2, 3])
        assert_allclose(store.track("a").times, [0, 0.1, 0.2])
    every, store = take(tmp_path, "openface", (Clip("a"),), "AU01_r", faces="all")
    assert every.left_out["of_other_faces"] == 0
    with store:
        assert_allclose(store["a"][:, 0], [9, 1, 2, 3])


def test_a_clip_is_cut_out_of_its_recording(tmp_path: Path) -> None:
    rows = [f"{k + 1}, {k // 5}, {k / 10}, 0.9, 1, 0, {k}, 0, 0" for k in range(10)]
    write(tmp_path, "film.csv", OPENFACE, *rows)
    media = {"video": tmp_path / "film.mp4"}
    clips = (
        Clip("one", start=0.0, end=0.45, media=media),
        Clip("two", start=0.5, end=0.8, media=media),
        Clip("three", dialogue="film", start=0.8),
    )
    report, store = take(tmp_path, "openface", clips, "AU01_r")
    assert report.unknown == 0
    with store:
        assert_allclose(store["one"][:, 0], range(5))
        assert_allclose(store["two"][:, 0], [5, 6, 7])  # the main face is that of the clip
        assert_allclose(store.track("two").times, [0, 0.1, 0.2], atol=1e-9)
        assert_allclose(store["three"][:, 0], [8, 9])


def test_a_row_longer_than_a_clip_is_that_of_all_it_covers(tmp_path: Path) -> None:
    write(tmp_path, "all.csv", "file,start,end,F0_mean", "film.wav,0,2,7")
    media = {"audio": tmp_path / "film.wav"}
    spans = ((0.0, 1.0), (1.0, 2.0), (1.5, None), (2.0, 3.0))
    clips = tuple(Clip(f"c{k}", start=s, end=e, media=media) for k, (s, e) in enumerate(spans))
    report, store = take(tmp_path, "opensmile", clips)
    assert (report.empty, report.longer) == (1, 2)
    assert "without a row: 1; with a part of a longer row: 2;" in str(report)
    with store:
        assert [store[clip].tolist() for clip in ("c0", "c1", "c2", "c3")] == [[[7]]] * 3 + [[]]
        assert [store.track(clip).times.tolist() for clip in ("c0", "c2")] == [[0.5], [0.25]]


def test_ids_with_points_are_no_names_with_endings(tmp_path: Path) -> None:
    """Cut at the last point both were `d1`, the dialogue, whose rows each clip then had."""
    write(
        tmp_path,
        "all.csv",
        "file,x",
        "d1.1,1",
        "d1.2,2",
        "x/VID.2021.01,3",
        "VID.2021.02.wav,4",
        "d1.3,5",
    )
    media = {f"VID.2021.0{k}": {"audio": tmp_path / f"VID.2021.0{k}.wav"} for k in (1, 2)}
    clips = (
        *(Clip(f"d1.{k}", dialogue="d1") for k in (1, 2, 4)),
        *(Clip(name[-1], media=files) for name, files in media.items()),
    )
    report, store = take(tmp_path, "csv", clips, modality="audio")
    assert (report.clips, report.unknown) == (4, 1)
    with store:
        assert {clip: store[clip].item() for clip in store.ids} == {
            "d1.1": 1,
            "d1.2": 2,
            "1": 3,
            "2": 4,
        }


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    rows = "A/c1.wav,1", "B/c1.wav,2", "c2.wav,3"
    write(tmp_path, "all.csv", "file,x", *rows)
    with pytest.raises(StoreError, match=r"'A/c1.wav' and of 'B/c1.wav' are both about 'c1'"):
        take(tmp_path, "csv", (Clip("c1"),), modality="audio")
    assert take(tmp_path, "csv", (Clip("c2"),), modality="audio")[0].unknown == 1
    write(tmp_path, "all.csv", "file,x", "A/c1.wav,1", "'A/c1.wav' ,2")
    report, _ = take(tmp_path, "csv", (Clip("c1"),), modality="audio")
    assert report.left_out["rows"] == 2


def test_pyfeat_by_the_input_and_the_rate(tmp_path: Path) -> None:
    header = ",FaceRectX,FaceScore,x_0,Pitch,AU01,AU12,anger,input,frame"
    write(
        *(tmp_path, "fex.csv", header),
        "0,10,0.9,5,1,0.1,0.2,0.3,/videos/a.mp4,0",
        "1,90,0.7,6,2,0.8,0.8,0.8,/videos/a.mp4,0",
        "2,,,,,,,,/videos/a.mp4,25",
        "0,10,0.9,7,3,0.4,,0.6,C:\\videos\\b.mp4,50",
    )
    report, store = take(tmp_path, "pyfeat", (Clip("a"), Clip("b")), "AU*", rate=25)
    assert report.non_finite == 1
    assert (report.left_out["failed"], report.left_out["of_other_faces"]) == (1, 1)
    with store:
        assert store.dim_names == ("AU01", "AU12")
        assert_allclose(store["a"], [[0.1, 0.2]])  # the surest face
        assert_allclose(store.track("b").times, [2])
    _, store = take(tmp_path, "pyfeat", (Clip("a"), Clip("b")))
    with store:
        assert store.dim_names == ("x_0", "Pitch", "AU01", "AU12", "anger")
        assert store.track("a").times is None
    part = (Clip("x", start=1.0, media={"video": tmp_path / "a.mp4"}),)
    with pytest.raises(StoreError, match=r"no times.*rate"):
        take(tmp_path, "pyfeat", part, "AU*")


def test_opensmile_as_smilextract_and_as_python_write_it(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "name;frameTime;F0;Loud", "'unknown';0.0;1;2", "'unknown';0.01;3;4")
    write(tmp_path, "b.csv", "name;frameTime;F0;Loud", "'unknown';0.0;5;6")
    _, store = take(tmp_path, "opensmile", (Clip("a"), Clip("b")))
    with store:
        assert store.modality == "audio"
        assert_array_equal(store["a"], [[1, 2], [3, 4]])
        assert_allclose(store.track("a").times, [0, 0.01])
    python = tmp_path / "python"
    write(
        *(python, "egemaps.csv", "file,start,end,F0semitone_amean,loudness_amean"),
        "/wav/a.wav,0 days,0 days 00:00:01.500000,30,0.5",
        "/wav/b.wav,0 days 00:00:00,0 days 00:01:02.5,31,0.25",
    )
    _, store = take(python, "opensmile", (Clip("a"), Clip("b")), "F0*")
    with store:
        assert store.dim_names == ("F0semitone_amean",)
        assert_allclose(store.track("a").times, [0.75])
        assert_allclose(store.track("b").times, [31.25])
        assert_allclose(store["b"], [[31]])


def test_praat_tables_and_listings(tmp_path: Path) -> None:
    write(
        *(tmp_path, "a.tsv", "time(s)\tnformants\tF1(Hz)\tF2(Hz)"),
        "0.1\t2\t500\t1500",
        "0.2\t0\t--undefined--\t--undefined--",
        "0.3\t1\t550\t--undefined--",
    )
    report, store = take(tmp_path, "praat", (Clip("a"),))
    assert (report.left_out["without_a_number"], report.non_finite) == (1, 1)
    with store:
        assert store.dim_names == ("F1(Hz)", "F2(Hz)")
        assert_allclose(store["a"], [[500, 1500], [550, 0]])
        assert_allclose(store.track("a").times, [0.1, 0.3])
    listing = tmp_path / "listing"
    write(listing, "a.txt", "Time_s   F0_Hz", "0.010000   133.5", "0.020000   --undefined--")
    _, store = take(listing, "praat", (Clip("a"),))
    with store:
        assert_allclose(store["a"], [[133.5]])


def test_cells_without_a_number_as_windows_writes_them(tmp_path: Path) -> None:
    write(
        *(tmp_path, "a.csv", OPENFACE),
        "1, 0, 0.0, 0.98, 1, 0.1, -nan(ind), 1.#QNAN, -1.#IND",
        "2, 0, 0.04, 0.9, 1, 0.1, inf, 0.5, -nan",
        "3, 0, 0.08, 0.0, 0, ?, failed, -, 0",
    )
    report, store = take(tmp_path, "openface", (Clip("a"),), "AU*")
    assert (report.left_out["failed"], report.left_out["without_a_number"]) == (1, 1)
    with store:
        assert_allclose(store["a"], [[0, 0.5, 0]])


def test_mediapipe_in_milliseconds(tmp_path: Path) -> None:
    header = "timestamp_ms,face,browDownLeft,jawOpen"
    write(tmp_path, "a.csv", header, "0,0,0.1,0.2", "40,,,", "80,0,0.3,0.4", "80,1,0.9,0.9")
    report, store = take(tmp_path, "mediapipe", (Clip("a"),))
    assert (report.left_out["without_a_number"], report.left_out["of_other_faces"]) == (1, 1)
    with store:
        assert_allclose(store["a"], [[0.1, 0.2], [0.3, 0.4]])
        assert_allclose(store.track("a").times, [0, 0.08])


def test_any_table_by_settings(tmp_path: Path) -> None:
    write(tmp_path, "all.tsv", "wav\tms\tok\tx", "a.wav\t500\tTrue\t1", "a.wav\t600\tFalse\t0")
    settings = {"file": ["wav"], "time": ["ms"], "seconds": 0.001, "success": ["ok"]}
    with pytest.raises(StoreError, match="--modality"):
        take(tmp_path, "csv", (Clip("a"),), **settings)
    write(tmp_path, "all.tsv", "wav\tms\tok\tx", "a.wav\t500\tTrue\t1", "b.wav\t600\tFalse\t0")
    report, store = take(tmp_path, "csv", (Clip("a"), Clip("b")), modality="thermal", **settings)
    assert report.empty == 1  # every frame of b failed: it lacks the feature
    with store:
        assert store.modality == "thermal"
        assert_allclose(store.track("a").times, [0.5])


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", OPENFACE, "1, 0, 0.0, 0.98, 1, 0.1, oh, 0.5, 1")
    with pytest.raises(
        StoreError, match=r"a.csv, row 2, column 'AU01_r': 'oh' is not a number.*FORMAT.missing"
    ):
        take(tmp_path, "openface", (Clip("a"),))
    with pytest.raises(StoreError, match=r"has no column 'AV\*'.*AU01_r"):
        take(tmp_path, "openface", (Clip("a"),), "AV*")
    with pytest.raises(ConfigError, match=r"no format is called 'openfaces'.*openface"):
        take(tmp_path, "openfaces", (Clip("a"),))
    write(tmp_path, "b.csv", "timestamp,AU01_r", "0,1")
    write(tmp_path, "a.csv", OPENFACE, "1, 0, 0.0, 0.98, 1, 0.1, 1, 0.5, 1")
    with pytest.raises(StoreError, match=r"b.csv: lacks the column 'AU01_c'"):
        take(tmp_path, "openface", (Clip("a"), Clip("b")), "AU*")
    write(tmp_path, "sub/a.csv", OPENFACE)
    write(tmp_path / "other", "a.csv", "@relation x")
    with pytest.raises(StoreError, match=r"is ARFF, no table; .*-csvoutput"):
        take(tmp_path / "other", "opensmile", (Clip("a"),))
    with pytest.raises(StoreError, match="both about 'a'"):
        take(tmp_path, "openface", (Clip("a"),))
    with pytest.raises(EmocliError, match="no such folder"):
        take(tmp_path / "nowhere", "openface", (Clip("a"),))


@pytest.mark.parametrize("form", ["openface", "opensmile", "pyfeat", "praat", "mediapipe"])
def test_a_table_of_another_program_is_refused(tmp_path: Path, form: str) -> None:
    """Else its times and failed rows would pass for features."""
    write(tmp_path, "a.csv", "x,y", "1,2")
    with pytest.raises(StoreError, match=rf"none of the columns of {form} .* --format .* or csv"):
        take(tmp_path, form, (Clip("a"),))
    report, _ = take(tmp_path, "csv", (Clip("a"),), modality="visual")
    assert report.clips == 1


DOCUMENTED = (
    ("openface", OPENFACE),
    ("openface", "frame, face_id, timestamp, confidence, success, x_0, X_0, p_rx"),
    ("openface", "face, confidence, gaze_0_x, pose_Tx, AU01_r, AU45_c"),
    ("pyfeat", "FaceRectX,FaceRectY,FaceScore,x_0,Pitch,AU01,anger,input,frame"),
    ("opensmile", "name;frameTime;F0;Loud"),
    ("opensmile", "name;F0;Loud"),
    ("opensmile", "file,start,end,F0semitoneFrom27.5Hz_sma3nz_amean"),
    ("praat", "time(s)\tnformants\tF1(Hz)\tF2(Hz)"),
    ("praat", "frame\tF1(Hz)\tF2(Hz)"),
    ("praat", "Time_s   F0_Hz"),
    ("praat", "tmin\ttier\ttext\ttmax"),
    ("mediapipe", "timestamp_ms,face,browDownLeft,jawOpen"),
    ("mediapipe", "timestamp_ms,face,x_0,y_0,z_0,confidence"),
    ("mediapipe", "frame,face,browDownLeft,jawOpen"),
)


@pytest.mark.parametrize(("form", "header"), DOCUMENTED)
def test_a_table_of_another_format_is_refused_with_the_right_one(
    tmp_path: Path, form: str, header: str
) -> None:
    """Formats share columns, such as `frame`: each is known by those that only it has."""
    mark = next((mark for mark in ",;\t" if mark in header), " ")
    write(tmp_path, "a.csv", header, mark.join("1" for _ in header.replace("   ", " ").split(mark)))
    report, _ = take(tmp_path, form, (Clip("a"),))
    assert (report.clips, report.empty) == (1, 0)
    for other in {name for name, _ in DOCUMENTED} - {form}:
        with pytest.raises(StoreError, match=rf"columns of {other} .* --format it is of, {form},"):
            take(tmp_path, other, (Clip("a"),))


def test_a_column_that_numbers_faces_names_no_files(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "id,x", "0,1", "1,2")
    with pytest.raises(StoreError, match=r"if column 'id' names no files: --set 'csv.file=\[\]'"):
        take(tmp_path, "csv", (Clip("a"),), modality="visual")
    settings = parse_sets(["csv.file=[]", 'csv.face=["id"]'])["csv"]
    report, _ = take(tmp_path, "csv", (Clip("a"),), modality="visual", **settings)
    assert (report.clips, report.left_out["of_other_faces"]) == (1, 1)


def test_a_table_that_no_format_knows_may_have_the_columns_of_one(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "frame,AU01", "1,2")
    assert take(tmp_path, "pyfeat", (Clip("a"),))[0].clips == 1


def test_of_another_import_only_what_differs_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", OPENFACE, "1, 0, 0.0, 0.98, 1, 0.1, 1.5, 0.5, 1")
    take(tmp_path, "openface", (Clip("a"),), "AU*_r")
    tables = TableFormat.named("openface", {}, ("AU*",))
    told = r"other settings \(openface\.columns was \['AU\*_r'\], is \['AU\*'\]\)"
    with pytest.raises(StoreError, match=told):
        import_all([tmp_path / "in"], corpus(tmp_path, Clip("a")), tmp_path / "store", form=tables)


def test_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.csv", OPENFACE, "1, 0, 0.0, 0.98, 1, 0.1, 1.5, 0.5, 1")
    (tmp_path / "m.csv").write_text("id,split,label\na,train,joy\n")
    (tmp_path / "m.toml").write_text("dataset='x'\ntask='single'\nclasses=['joy', 'sad']\n")
    line = ["import", str(tmp_path / "in"), "--format", "openface", "--columns", "AU*_r"]
    where = ["--manifest", str(tmp_path / "m.csv"), "--store", str(tmp_path / "store")]
    assert run([*line, *where, "--set", "openface.faces=mean", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["feature"], report["modality"], report["clips"]) == ("openface", "visual", 1)
    with FeatureStore.open(tmp_path / "store" / "openface.h5") as store:
        assert store.header.settings["openface"]["columns"] == ["AU*_r"]
        assert np.isclose(store["a"][0, 0], 1.5)
    assert run([*line, *where, "--set", "csv.rate=3", "--overwrite"]) == 2
    refusal = capsys.readouterr().err
    assert "unknown setting 'csv'; there is openface.KEY" in " ".join(refusal.split())
    (tmp_path / "all.toml").write_text("[csv]\nrate = 3\n")  # as a whole experiment's file has it
    assert run([*line, *where, "--config", str(tmp_path / "all.toml"), "--overwrite"]) == 0


def test_a_network_learns_from_imported_action_units(tmp_path: Path) -> None:
    toy_corpus = toy.build(tmp_path)
    rng = np.random.default_rng(0)
    for clip in toy_corpus.manifest.clips:
        high = toy.CLASSES.index(clip.label or "")
        units = rng.normal(0, 0.1, (6, 3)) + np.eye(3)[high]
        failed = "7, 0, 0.24, 0.1, 0, 9, 9, 9, 9"
        rows = [
            f"{k + 1}, 0, {k * 0.04:.2f}, 0.9, 1, {a:.3f}, {b:.3f}, {c:.3f}, 1"
            for k, (a, b, c) in enumerate(units)
        ]
        write(tmp_path, f"{clip.id}.csv", OPENFACE, *rows, failed)
    tables = TableFormat.named("openface", {}, ("gaze*", "AU*_r"))
    (report,) = import_all(
        [tmp_path / "in"], toy_corpus.manifest, toy_corpus.store, name="units", form=tables
    )
    assert report.left_out["failed"] == report.clips == len(toy_corpus.manifest.clips)
    run_folder = toy_corpus.trained(features=("units",))
    assert run(["evaluate", str(run_folder), "--no-figures"]) == 0
    evaluated = run_folder / "reports" / "test.json"
    assert json.loads(evaluated.read_text())["n"] == toy.SIZES["test"]
