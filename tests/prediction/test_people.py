"""Whose face is predicted: people of a recording, by number, by size, by who speaks."""

from __future__ import annotations

import csv
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from emocli import config as settings_of
from emocli import plugins
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.media.content import Frame, frames, read_frames, read_sound
from emocli.data.media.writing import write_video
from emocli.data.pool import Pool
from emocli.errors import ConfigError
from emocli.features.faces.people import AHEAD, People
from emocli.features.faces.settings import Config
from emocli.plugin.people import Appearances
from emocli.plugin.writer import SegmentPrediction
from emocli.prediction import extracted as stage
from emocli.prediction import people
from emocli.prediction import predict as whole
from emocli.prediction.people import FaceChoice, find_people
from emocli.prediction.predict import PredictOptions, predict
from emocli.prediction.segmentation.segmenter import SegmentOptions
from emocli.prediction.timeline import PredictionReport
from emocli.prediction.writers.subtitles import cues
from emocli.prediction.writers.tiers import tiers
from tests.prediction.conftest import emocli

FPS = 12.5
SHOT = 12
"""Pictures of a shot, about a second."""

WINDOWS = SegmentOptions(way="windows", settings={"windows": {"window": 0.96, "hop": 0.48}})


def shots(corpus: Manifest) -> Iterator[NDArray[np.uint8]]:
    """The first person, both, the second one, the first again in the other's place, nobody."""
    first, second = ([f.image for f in frames(clip)][:SHOT] for clip in corpus.clips[:8:4])
    empty = [np.full_like(image, 90) for image in first]
    for left, right in ((first, empty), (first, second), (empty, second), (empty, first)):
        yield from (np.hstack(pair) for pair in zip(left, right, strict=True))
    yield from (np.hstack(pair) for pair in zip(empty, empty, strict=True))


@pytest.fixture(scope="module")
def recording(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("people") / "two.mp4"
    sound = np.tile(read_sound(corpus.clips[0].media["video"], 16_000), 5)
    pictures = list(shots(corpus))
    write_video(path, pictures, FPS, sound[: round(len(pictures) / FPS * 16_000)], 16_000)
    return path


def by_face(trained: Path, recording: Path, out: Path, face: str) -> PredictionReport:
    options = PredictOptions(segments=WINDOWS, face=face)
    return predict(trained, [recording], out, options=options)


@pytest.fixture(scope="module")
def each(
    trained: Path, recording: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PredictionReport, Path]:
    out = tmp_path_factory.mktemp("each")
    return by_face(trained, recording, out, "each"), out


def visual(segments: tuple[SegmentPrediction, ...], person: str) -> dict[float, bool]:
    """Start of each segment to whether the person is in it."""
    return {s.start: not s.modalities["visual"].missing for s in segments if s.person == person}


def test_each_person_has_a_row_in_each_segment(each: tuple[PredictionReport, Path]) -> None:
    report, out = each
    assert {segment.person for segment in report.segments} == {"1", "2"}
    first, second = visual(report.segments, "1"), visual(report.segments, "2")
    assert list(first) == list(second) == [0.48 * k for k in range(9)]
    # shots of .96 s: the first one, both, the second one, the first one elsewhere, nobody
    assert [t for t, there in first.items() if there] == [0.48 * k for k in (0, 1, 2, 3, 5, 6, 7)]
    assert [t for t, there in second.items() if there] == [0.48 * k for k in (1, 2, 3, 4, 5)]
    with (out / "predictions.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["person"] for row in table] == [s.person for s in report.segments]
    assert [row["missing"] for row in table][:2] == ["text", "text visual"]
    assert report.face == "each"


def test_what_was_not_seen_of_people_is_told(each: tuple[PredictionReport, Path]) -> None:
    """Faces that are too small to be searched, and rows that are the same for everybody."""
    report, _ = each
    alike = [s for s in report.segments if not s.modalities["visual"].used]
    assert 0 < len(alike) < len(report.segments)
    for segment in alike:
        twins = [s for s in alike if s.segment == segment.segment]
        assert all(s.values == segment.values for s in twins)
    assert [
        r for r in report.remarks if r.startswith(f"in {len(alike)} rows nothing of the person")
    ]
    (small,) = (r for r in report.remarks if "not searched" in r)
    assert small.startswith("faces below 20% of the picture's shorter side")
    assert "--set faces.min_share=0.05" in small
    assert People().unsearched(Config()) == ""


def test_a_score_says_how_sure_a_person_is(each: tuple[PredictionReport, Path]) -> None:
    report, _ = each
    for segment in report.segments:
        absent = segment.modalities["visual"].missing
        assert np.isnan(segment.person_score) == absent
    alone = next(s for s in report.segments if s.person == "1" and s.start == 0)
    back = next(s for s in report.segments if s.person == "1" and s.start == pytest.approx(2.88))
    assert alone.person_score == 1
    assert 0.5 < back.person_score <= 1


def test_people_share_the_sound_and_have_their_own_faces(
    each: tuple[PredictionReport, Path],
) -> None:
    report, _ = each
    one, two = (s for s in report.segments if s.start == pytest.approx(0.96))
    assert one.modalities["audio"].anomaly == two.modalities["audio"].anomaly
    assert one.values != two.values


def test_a_person_by_number_has_the_rows_of_each(
    trained: Path, recording: Path, each: tuple[PredictionReport, Path], tmp_path: Path
) -> None:
    report = by_face(trained, recording, tmp_path, "2")
    expected = [segment for segment in each[0].segments if segment.person == "2"]
    assert [s.start for s in report.segments] == [s.start for s in expected]
    for mine, theirs in zip(report.segments, expected, strict=True):
        assert_allclose(list(mine.values.values()), list(theirs.values.values()), atol=1e-6)


def test_a_number_that_nobody_has_is_said_with_those_there_are(
    trained: Path, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emocli("predict", trained, recording, "-o", tmp_path, "--face", 7) == 2
    captured = capsys.readouterr().err
    assert "there is no person 7; it shows 1 (" in captured
    assert captured.count("\n") == 1


@pytest.mark.parametrize("text", ["best", "0", "-1", "1.5"])
def test_an_unknown_choice_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--face.*choose main"):
        FaceChoice.of(text)


def test_main_and_largest_name_whom_they_show(
    trained: Path, recording: Path, tmp_path: Path
) -> None:
    main = by_face(trained, recording, tmp_path / "main", "main").segments
    largest = by_face(trained, recording, tmp_path / "largest", "largest").segments
    assert [s.person for s in main][::2] == ["1", largest[2].person, "2", "1", ""]
    assert [s.person for s in largest][::4] == ["1", "2", ""]
    assert main[2].person_score < 1  # both are seen as long
    alone, same = main[0], largest[0]
    assert_allclose(list(alone.values.values()), list(same.values.values()), atol=1e-6)
    assert main[8].modalities["visual"].missing


def test_a_killed_search_goes_on(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emocli.features.faces import people as module

    monkeypatch.setattr(module, "STRETCH", 0.96)
    faces = plugins.load("features", "faces")
    config = settings_of.build(faces.Config, {"min_share": 0.2}, "faces")
    whole = find_people(faces.PEOPLE, config, recording, tmp_path / "whole")
    parts = sorted((tmp_path / "whole").iterdir())
    assert len(parts) > 3
    for path in parts[2:]:
        path.unlink()
    searched: list[float] = []
    again = find_people(faces.PEOPLE, config, recording, tmp_path / "whole", searched.append)
    begin = 2 * module.stretch_seconds(config.rate)  # of the two stretches that are left
    rest = [frame.time for frame in read_frames(recording) if frame.time > begin - 1e-3]
    assert_allclose(searched, rest, atol=1e-6)
    for name, array in vars(whole).items():
        assert_array_equal(vars(again)[name], array, err_msg=name)
    assert find_people(faces.PEOPLE, config, recording, tmp_path / "whole", searched.append)
    assert len(searched) == len(rest)


def test_known_faces_are_those_that_a_search_finds(recording: Path, tmp_path: Path) -> None:
    """Clips that overlap, read in one go, against each searched by itself."""
    faces = plugins.load("features", "faces")
    config = settings_of.build(faces.Config, {"min_share": 0.2}, "faces")
    known = find_people(faces.PEOPLE, config, recording, tmp_path)
    media = {"video": recording}
    clips = [
        Clip(f"{k}", "test", start=0.4 * k, end=0.4 * k + 0.8, media=media) for k in range(1, 4)
    ]
    everybody = dict.fromkeys((clip.id for clip in clips), None)
    extractor = faces.PEOPLE.extractor(config, {recording: known}, everybody)
    alone = faces.prepare(config, clips)
    for clip in clips:
        mine, theirs = extractor(clip, {}), alone(clip, {})
        assert_allclose(mine.times, theirs.times, atol=1e-6)
        for name in ("frame", "found", "main"):
            assert_array_equal(mine.extra[name], theirs.extra[name])
        assert_allclose(mine.extra["box"], theirs.extra["box"], atol=0.01)
        assert np.abs(mine.values.astype(int) - theirs.values.astype(int)).max() <= 2


def test_people_have_tiers_and_lines_of_their_own(each: tuple[PredictionReport, Path]) -> None:
    segments = each[0].segments
    by_name = tiers(segments)
    assert {"person 1 - emotion", "person 2 - emotion"} <= set(by_name)
    assert len(by_name["person 1 - emotion"]) == len(by_name["person 2 - emotion"]) == 9
    assert sum(text.startswith("[person 2: ") for _, _, text in cues(segments)) == 9


def test_another_search_than_in_the_training_is_said(
    trained: Path, recording: Path, tmp_path: Path
) -> None:
    options = PredictOptions(
        segments=SegmentOptions(way="whole"), settings={"faces": {"search": "track"}}
    )
    told = predict(trained, [recording], tmp_path / "track", options=options)
    usual = predict(
        trained, [recording], tmp_path / "usual", options=PredictOptions(segments=options.segments)
    )
    line = "faces.search is track here, and was every in the training"
    assert line in told.remarks
    assert line not in usual.remarks
    (one,), (two,) = told.segments, usual.segments
    assert one.person == two.person
    assert one.values != two.values  # boxes are nearly the same


def test_windows_that_overlap_cut_and_describe_a_frame_once(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emocli.features.face_hog import Extractor
    from emocli.features.faces.rows import Cut

    done: list[str] = []
    cut, histograms = Cut.__call__, Extractor.histograms
    monkeypatch.setattr(Cut, "__call__", lambda *a: done.append("cut") or cut(*a))
    monkeypatch.setattr(Extractor, "histograms", lambda *a: done.append("hog") or histograms(*a))
    faces, hog = (plugins.load("features", name) for name in ("faces", "face_hog"))
    config = settings_of.build(faces.Config, {"min_share": 0.2}, "faces")
    known = find_people(faces.PEOPLE, config, recording, tmp_path)
    clips = [
        Clip(f"{k}", "test", start=0.2 * k, end=0.2 * k + 0.48, media={"video": recording})
        for k in range(5)
    ]
    wanted = dict.fromkeys((clip.id for clip in clips), 1)
    extractor = faces.PEOPLE.extractor(config, {recording: known}, wanted)
    describe = hog.prepare(hog.Config(), clips)
    tracks = [extractor(clip, {}) for clip in clips]
    rows = [describe(clip, {"faces": t}) for clip, t in zip(clips, tracks, strict=True)]
    shared = sum(len(track) for track in tracks)
    moments = {
        round(clip.start + time, 3)
        for clip, track in zip(clips, tracks, strict=True)
        for time in track.times
    }
    assert done.count("hog") == len(moments) < shared * 0.6
    assert len(moments) <= done.count("cut") <= len(moments) + 1  # one is read ahead
    again = hog.prepare(hog.Config(), clips)(clips[3], {"faces": tracks[3]})
    assert_array_equal(again.values, rows[3].values)


def test_sound_is_analysed_while_people_are_looked_for(
    trained: Path, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = threading.Event()
    find, extract = people.find_people, stage.extract

    def find_late(*arguments: Any) -> Appearances:
        assert heard.wait(30)
        return find(*arguments)

    def extract_and_tell(manifest: Manifest, names: list[str], *rest: Any, **options: Any) -> Any:
        done = extract(manifest, names, *rest, **options)
        if names == ["mel"]:
            heard.set()
        return done

    by_face(trained, recording, tmp_path / "alone", "main")
    monkeypatch.setattr(people, "find_people", find_late)
    monkeypatch.setattr(stage, "extract", extract_and_tell)
    monkeypatch.setattr(whole, "SHARE", 1)
    with ThreadPoolExecutor(2) as executor:
        pool = nullcontext(Pool(executor, 4))
        monkeypatch.setattr(whole, "open_pool", lambda workers: pool)
        options = PredictOptions(segments=WINDOWS, face="main", workers=2)
        predict(trained, [recording], tmp_path / "beside", options=options)
    alone, beside = (tmp_path / name / "predictions.csv" for name in ("alone", "beside"))
    assert beside.read_bytes() == alone.read_bytes()


def test_what_is_held_does_not_grow_with_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures at once, while people are looked for and cut out of windows that overlap."""
    _, rows = held(8, monkeypatch)
    pictures, rows_of_long = held(24, monkeypatch)
    assert pictures <= AHEAD + 4 < 24 * 5
    assert rows_of_long == rows < 24 * 5


def held(seconds: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return how many pictures, and how many rows of faces, are in memory at most."""
    from emocli.features.faces import known as reading
    from emocli.features.faces import search
    from emocli.features.faces.boxes import Faces

    alive: set[int] = set()
    most = [0, 0]

    def pictures(path: Path, start: float, rate: float | None = None) -> Iterator[Frame]:
        for number in range(round(start * 5), seconds * 5):
            frame = Frame(number / 5, np.zeros((48, 64, 3), np.uint8))
            alive.add(number)
            weakref.finalize(frame, alive.discard, number)
            most[0] = max(most[0], len(alive))
            yield frame

    class Search:
        def __init__(self, config: Any) -> None:
            self.faces = Faces(np.array([[20.0, 10, 40, 30]]), np.ones(1), np.ones((1, 5, 2)))

        def __call__(self, frames: Iterator[Frame]) -> Iterator[tuple[Frame, Faces]]:
            return ((frame, self.faces) for frame in frames)

    monkeypatch.setattr(reading, "frames_from", pictures)
    monkeypatch.setattr(search, "FaceSearch", Search)
    faces = plugins.load("features", "faces")
    config, path = faces.Config(), Path("any.mp4")
    result = Appearances.joined([s.appearances for s in faces.PEOPLE.find(config, path)])
    assert len(result.times) == seconds * 5
    windows = range(0, seconds - 3, 2)
    clips = [Clip(str(k), "test", start=k, end=k + 4, media={"video": path}) for k in windows]
    extractor = faces.PEOPLE.extractor(config, {path: result}, dict.fromkeys(map(str, windows), 1))
    for clip in clips:
        assert len(extractor(clip, {})) == 20
        most[1] = max(most[1], len(extractor._reading._kept))
    return most[0], most[1]
