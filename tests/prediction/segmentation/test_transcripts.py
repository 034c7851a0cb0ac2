"""Every format of subtitles: lines, times, words and speakers, and one clear line where damaged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emocli.data.words import Word
from emocli.errors import EmocliWarning, MediaError
from emocli.plugin.transcript import Line, Transcript
from emocli.prediction.segmentation.reading import read_transcript

LINES = (Line(0.5, 1.75, "Hello there.", "Anna"), Line(2.0, 3.25, "Well & good", "Ben"))


def read(folder: Path, name: str, content: str, tiers: Sequence[str] = ()) -> Transcript:
    path = folder / name
    path.write_text(content, "utf-8")
    return read_transcript(path, tiers)


def plain(transcript: Transcript) -> list[tuple[float, float, str, str]]:
    return [(line.start, line.end, line.text, line.speaker) for line in transcript.lines]


def clock(seconds: float, mark: str = ",") -> str:
    whole, rest = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{mark}{rest:03d}"


def srt(lines: Sequence[Line]) -> str:
    blocks = [
        f"{k}\n{clock(x.start)} --> {clock(x.end)}\n{x.text}\n" for k, x in enumerate(lines, 1)
    ]
    return "\n".join(blocks)


def vtt(lines: Sequence[Line]) -> str:
    cues = (
        f"{clock(x.start, '.')} --> {clock(x.end, '.')} align:start\n"
        f"<v {x.speaker}>{x.text.replace('&', '&amp;')}</v>\n"
        for x in lines
    )
    return "WEBVTT\n\nSTYLE\n::cue {color: red}\n\nNOTE nobody says this\n\n" + "\n".join(cues)


def textgrid(lines: Sequence[Line], long: bool = True) -> str:
    """Write a tier for each speaker, silences as empty intervals."""
    speakers = sorted({line.speaker for line in lines})
    end = max(line.end for line in lines) + 1
    text = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    text += f"xmin = 0 \nxmax = {end} \ntiers? <exists> \nsize = {len(speakers)} \nitem []: \n"
    for k, speaker in enumerate(speakers, 1):
        own = [line for line in lines if line.speaker == speaker]
        spans, at = [], 0.0
        for line in own:
            spans += [(at, line.start, ""), (line.start, line.end, line.text)]
            at = line.end
        spans.append((at, end, ""))
        text += f'    item [{k}]:\n class = "IntervalTier"\n name = "{speaker}"\n xmin = 0\n'
        text += f" xmax = {end}\n intervals: size = {len(spans)}\n"
        for i, (a, b, said) in enumerate(spans, 1):
            said = said.replace('"', '""')
            text += f'intervals [{i}]:\n xmin = {a}\n xmax = {b}\n text = "{said}"\n'
    if long:
        return text
    kept = (row.partition("=")[2] or row for row in text.splitlines() if "[" not in row)
    return "\n".join(row.strip() for row in kept)


def eaf(tiers: str, slots: dict[str, int | None], header: str = "") -> str:
    order = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="{name}"' + ("/>" if at is None else f' TIME_VALUE="{at}"/>')
        for name, at in slots.items()
    )
    head = header or '<HEADER TIME_UNITS="milliseconds"/>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT>'
        f"{head}<TIME_ORDER>{order}</TIME_ORDER>\n{tiers}</ANNOTATION_DOCUMENT>"
    )


def annotation(first: str, last: str, text: str) -> str:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a" TIME_SLOT_REF1="{first}" '
        f'TIME_SLOT_REF2="{last}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>\n"
    )


def test_srt(tmp_path: Path) -> None:
    read_lines = read(tmp_path, "a.srt", srt(LINES))
    assert plain(read_lines) == [(x.start, x.end, x.text, "") for x in LINES]
    assert read_lines.lines[1].place.endswith("a.srt, row 6")


def test_srt_without_numbers_with_tags_and_blank_rows(tmp_path: Path) -> None:
    first = "0:00:01,5 --> 0:00:02.25  X1:40\n<i>One</i> {\\an8}two\n\nthree\n\n"
    text = first + "0:00:03 --> 0:00:04\n4\n"
    lines = read(tmp_path, "a.srt", text)
    assert plain(lines) == [(1.5, 2.25, "One two three", ""), (3.0, 4.0, "4", "")]


def test_srt_in_another_encoding_is_read_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_bytes("1\n0:00:01 --> 0:00:02\nÇa va?\n".encode("cp1252"))
    with pytest.warns(EmocliWarning, match="Windows-1252"):
        assert read_transcript(tmp_path / "a.srt").lines[0].text == "Ça va?"


def test_vtt_names_its_voices(tmp_path: Path) -> None:
    assert plain(read(tmp_path, "a.vtt", vtt(LINES))) == [
        (x.start, x.end, x.text, x.speaker) for x in LINES
    ]


def test_vtt_of_two_voices_at_once(tmp_path: Path) -> None:
    text = "WEBVTT\n\n1\n00:01.000 --> 00:02.000\n<v Anna>Yes</v>\n<v.loud Ben>No</v>\n"
    assert plain(read(tmp_path, "a.vtt", text)) == [(1, 2, "Yes", "Anna"), (1, 2, "No", "Ben")]


@pytest.mark.parametrize("long", [True, False])
def test_textgrid_tiers_are_speakers(tmp_path: Path, long: bool) -> None:
    lines = (*LINES, Line(4.0, 5.0, 'She said "no"', "Anna"))
    assert plain(read(tmp_path, "a.TextGrid", textgrid(lines, long))) == [
        (x.start, x.end, x.text, x.speaker) for x in lines
    ]


def test_a_textgrid_in_utf16_as_praat_saves_it(tmp_path: Path) -> None:
    (tmp_path / "a.TextGrid").write_bytes(textgrid(LINES).encode("utf-16"))
    with pytest.warns(EmocliWarning, match="UTF-16"):
        assert len(read_transcript(tmp_path / "a.TextGrid").lines) == 2


def test_words_of_an_aligner_become_lines_at_pauses(tmp_path: Path) -> None:
    words = [
        Line(0.5, 0.8, "so", "words"),
        Line(0.9, 1.2, "it", "words"),
        Line(2, 2.5, "is", "words"),
    ]
    lines = (*words, Line(0.5, 2.5, "AH0", "phones"))
    transcript = read(tmp_path, "a.TextGrid", textgrid(lines))
    assert plain(transcript) == [(0.5, 1.2, "so it", ""), (2.0, 2.5, "is", "")]
    assert transcript.lines[0].words == (Word("so", 0.5, 0.8), Word("it", 0.9, 1.2))
    assert transcript.notes == ("tiers of phones left out: phones",)


def test_words_join_the_lines_of_their_speaker(tmp_path: Path) -> None:
    lines = (
        Line(0.5, 1.5, "so it", "Anna"), Line(0.6, 0.9, "so", "Anna - words"),
        Line(1.0, 1.4, "it", "Anna - words"), Line(0.7, 1.0, "hm", "Ben - words"),
    )  # fmt: skip
    read_lines = read(tmp_path, "a.TextGrid", textgrid(lines)).lines
    assert [(x.speaker, [w.text for w in x.words]) for x in read_lines] == [
        ("Anna", ["so", "it"]), ("Ben", ["hm"]),
    ]  # fmt: skip


def test_tiers_can_be_chosen(tmp_path: Path) -> None:
    chosen = read(tmp_path, "a.TextGrid", textgrid(LINES), tiers=["Ben"])
    assert [line.speaker for line in chosen.lines] == ["Ben"]
    with pytest.raises(MediaError, match=r"no tier 'Bn'; did you mean 'Ben'"):
        read_transcript(tmp_path / "a.TextGrid", ["Bn"])
    with pytest.raises(MediaError, match="no tiers to choose"):
        read(tmp_path, "a.srt", srt(LINES), tiers=["Ben"])


def test_eaf_with_participants_words_and_times_that_are_not_set(tmp_path: Path) -> None:
    slots = {"t1": 500, "t2": None, "t3": 1500, "t4": 2000, "t5": 3000}
    tiers = (
        '<TIER TIER_ID="A" PARTICIPANT="Anna">' + annotation("t1", "t3", "so\n it &amp;")
        + "</TIER>"
        '<TIER TIER_ID="A-words" PARENT_REF="A">' + annotation("t1", "t2", "so")
        + annotation("t2", "t3", "it") + "</TIER>"
        '<TIER TIER_ID="gloss" PARENT_REF="A">' + annotation("t1", "t3", "alors") + "</TIER>"
        '<TIER TIER_ID="Ben">' + annotation("t4", "t5", "well") + annotation("t4", "t5", " ")
        + "</TIER>"
    )  # fmt: skip
    lines = read(tmp_path, "a.eaf", eaf(tiers, slots)).lines
    assert plain(Transcript(lines)) == [(0.5, 1.5, "so it &", "Anna"), (2.0, 3.0, "well", "Ben")]
    assert lines[0].words == (Word("so", 0.5, 1.0), Word("it", 1.0, 1.5))


def test_eaf_expands_no_entities(tmp_path: Path) -> None:
    bomb = (
        '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;">]>\n<a>&c;</a>'
    )
    with pytest.raises(MediaError, match=r"row 2: has a document type"):
        read(tmp_path, "a.eaf", bomb)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<a/>", "is no file of ELAN"),
        ("<ANNOTATION_DOCUMENT>", "row 1: is not valid XML"),
        ("<ANNOTATION_DOCUMENT>" + "<a>" * 40, "nested deeper"),
        (
            eaf(f'<TIER TIER_ID="x">{annotation("t1", "t9", "a")}</TIER>', {"t1": 1}),
            "row 3: .*'t9'",
        ),
        (eaf("", {}, '<HEADER TIME_UNITS="PAL-frames"/>'), "'PAL-frames'"),
        (eaf("", {}, '<HEADER><MEDIA_DESCRIPTOR TIME_ORIGIN="40"/></HEADER>'), "offset of 40 ms"),
        (eaf("", {"t1": -4}), "'-4' is no time"),
        (eaf("", {"t1": 4}), "no annotation"),
    ],
)
def test_damaged_eaf(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        read(tmp_path, "a.eaf", content)


def whisper(**changes: object) -> str:
    segment = {
        "start": 0.5, "end": 3.0, "text": " In 1813 he", "words": [
            {"word": " In", "start": 0.5, "end": 1.0, "speaker": "S1"}, {"word": "1813"},
            {"word": "he", "start": 2.0, "end": 2.5, "speaker": "S1"},
        ],
    }  # fmt: skip
    return json.dumps({"language": "en", "segments": [segment | changes]})


def test_whisper_with_words_of_which_one_has_no_times(tmp_path: Path) -> None:
    transcript = read(tmp_path, "a.json", whisper())
    assert transcript.language == "en"
    assert plain(transcript) == [(0.5, 3.0, "In 1813 he", "S1")]
    assert transcript.lines[0].words == (
        Word("In", 0.5, 1.0), Word("1813", 1.0, 2.0), Word("he", 2.0, 2.5),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "not an object"),
        ("{}", "no result of Whisper"),
        (whisper(start="x"), "segment 0: its 'start' is no time"),
        (whisper(end=None), "no end"),
        (whisper(words=[{"word": ""}]), "is empty"),
        (whisper(words=[{"word": "a", "start": 2, "end": 1}]), "before its start"),
        (whisper(words=3), "no list"),
        (whisper(text=3), "is no text"),
        (json.dumps({"segments": [3]}), "no object"),
    ],
)
def test_damaged_whisper(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        read(tmp_path, "a.json", content)


def test_a_table_of_words_with_speakers(tmp_path: Path) -> None:
    text = "start,end,word,speaker\n0.5,0:00:00.9,so,Anna\n1.0,1.2,it,Anna\n1.0,1.5,no,Ben\n"
    lines = read(tmp_path, "a.csv", text)
    assert plain(lines) == [(0.5, 1.2, "so it", "Anna"), (1.0, 1.5, "no", "Ben")]


def test_a_table_of_lines(tmp_path: Path) -> None:
    lines = read(tmp_path, "a.csv", 'start,end,text\n1,2,"one, two"\n')
    assert plain(lines) == [(1, 2, "one, two", "")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,start,end\nx,1,2\n", "has the columns id, start, end"),
        ("a.csv", "start,end,text\nx,2,a\n", "row 2: 'x' is no time"),
        ("a.csv", "start,end,word\n1,2,\n", "row 2: has no word"),
        ("a.csv", "start,end,word\n2,1,a\n", "row 2: ends at 1 s, before"),
        ("a.srt", "", "holds no subtitle"),
        ("a.srt", "1\n0:00:01,0 --> soon\nA\n", "row 2: 'soon' is no time"),
        ("a.vtt", "1\n0:00:01 --> 0:00:02\n", "does not begin with WEBVTT"),
        ("a.vtt", "WEBVTT\n\n1 --> x\nA\n", "row 3: 'x' is no time"),
        ("a.TextGrid", "hello", "a text in quotes is missing"),
        ("a.TextGrid", '"ooTextFile" "Pitch" 0 1', "is no TextGrid"),
        ("a.TextGrid", '"ooTextFile" "TextGrid" 0 1 1e99', "no count"),
        ("a.TextGrid", textgrid(LINES)[:-60], "is it a whole TextGrid"),
        ("a.docx", "x", "no known format of subtitles; known: .eaf"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        read(tmp_path, name, content)


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        read_transcript(tmp_path / "none.srt")


def test_a_file_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emocli.prediction.segmentation.reading.MOST", 20)
    with pytest.raises(MediaError, match="more than 20 bytes"):
        read(tmp_path, "a.srt", srt(LINES))


SPOKEN = st.lists(
    st.tuples(
        st.integers(0, 5_000), st.integers(1, 5_000), st.sampled_from(["so", "it's", "né 7"])
    ),
    min_size=1,
    max_size=8,
)


@given(SPOKEN)
def test_round_trips(
    tmp_path_factory: pytest.TempPathFactory, spoken: list[tuple[int, int, str]]
) -> None:
    at, lines = 0, []
    for gap, length, text in spoken:
        lines.append(Line((at + gap) / 1000, (at + gap + length) / 1000, text, "Anna"))
        at += gap + length
    folder = tmp_path_factory.mktemp("round")
    wanted = [(x.start, x.end, x.text) for x in lines]
    for name, content in (
        ("a.srt", srt(lines)), ("a.vtt", vtt(lines)),
        ("a.TextGrid", textgrid(lines)), ("b.TextGrid", textgrid(lines, long=False)),
    ):  # fmt: skip
        assert [(s, e, t) for s, e, t, _ in plain(read(folder, name, content))] == wanted


@pytest.mark.filterwarnings("ignore::emocli.errors.EmocliWarning")
@given(st.binary(max_size=200), st.sampled_from(["srt", "vtt", "eaf", "TextGrid", "json", "csv"]))
def test_any_bytes_are_a_transcript_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"a.{suffix}"
    path.write_bytes(content)
    with suppress(MediaError):
        read_transcript(path)
