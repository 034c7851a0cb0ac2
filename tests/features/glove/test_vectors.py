from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.errors import ConfigError, EmocliError, EmocliWarning, StoreError
from emocli.features.glove.vectors import read_vectors

TEXT = b"the 1 2 3\ncat 4 5 6\n, -0.5 1e-3 0\ncaf\xc3\xa9 7 8 9\n"
ROWS = {"the": [1, 2, 3], "cat": [4, 5, 6], ",": [-0.5, 1e-3, 0], "café": [7, 8, 9]}


def as_dict(path: Path, *wanted: str) -> dict[str, list[float]]:
    vectors = read_vectors(path, set(wanted))
    assert vectors.values.dtype == np.float32
    return {word: pytest.approx(vectors.values[row].tolist()) for word, row in vectors.rows.items()}


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["v.txt", "v.txt.gz", "v.vec"])
@pytest.mark.parametrize("header", [b"", b"4 3\n"])
@pytest.mark.parametrize("end", [b"\n", b" \n", b"\r\n"])
def test_text_files_of_every_maker_are_read(
    tmp_path: Path, name: str, header: bytes, end: bytes
) -> None:
    path = write(tmp_path, name, header + TEXT.replace(b"\n", end))
    assert as_dict(path, *ROWS, "dog") == ROWS


WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.filterwarnings("ignore:.*is read as")
@pytest.mark.parametrize("header", ["", "4 3\n", "4\t3\n"])
@pytest.mark.parametrize("encoding", ["utf-8", *WIDE])
def test_a_byte_order_mark_is_no_letter_of_the_first_word(
    tmp_path: Path, header: str, encoding: str
) -> None:
    data = ("\ufeff" + header).encode(encoding) + TEXT.decode().encode(encoding)
    assert as_dict(write(tmp_path, "v.txt", data), *ROWS) == ROWS
    assert as_dict(write(tmp_path, "v.txt.gz", data), *ROWS) == ROWS


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_files_joined_end_to_end_have_marks_inside(tmp_path: Path, mark: str) -> None:
    data = f"{mark}the 1 2\n{mark}cat 3 4\n".encode()
    assert as_dict(write(tmp_path, "v.txt", data), "the", "cat") == {"the": [1, 2], "cat": [3, 4]}


@pytest.mark.parametrize("between", [b"  ", b"\t", b" \t "])
def test_any_blanks_stand_between_numbers(tmp_path: Path, between: bytes) -> None:
    data = TEXT.replace(b" ", between)
    assert as_dict(write(tmp_path, "v.txt", data), *ROWS) == ROWS
    mixed = b"a 1 2 3\n" + data + b". . 7 7 7\n"
    assert as_dict(write(tmp_path, "v.txt", mixed), *ROWS) == ROWS


def test_line_ends_may_be_carriage_returns(tmp_path: Path) -> None:
    assert as_dict(write(tmp_path, "v.txt", TEXT.replace(b"\n", b"\r")), *ROWS) == ROWS


def test_decomposed_words_are_the_same_words(tmp_path: Path) -> None:
    data = "café 1 2\nna\u0308ive 3 4\n".replace("é", "e\u0301").encode()
    wanted = {"café": [1, 2], "näive": [3, 4]}
    assert as_dict(write(tmp_path, "v.txt", data), *wanted) == wanted
    np.savez(tmp_path / "v.npz", words=["\ufeffcafe\u0301"], vectors=[[1.0, 2.0]])
    assert as_dict(tmp_path / "v.npz", "café") == {"café": [1, 2]}


def test_words_in_a_code_page_are_read_and_counted(tmp_path: Path) -> None:
    data = "the 1 2\nGröße 3 4\n".encode("cp1252") + "Straße 5 6\n".encode()
    with pytest.warns(
        EmocliWarning, match=r"v.txt: 1 words, first on line 2, are not UTF-8, read as"
    ):
        result = as_dict(write(tmp_path, "v.txt", data), "Größe", "Straße")
    assert result == {"Größe": [3, 4], "Straße": [5, 6]}


def test_an_npz_is_read(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, words=np.array(["cat", "the", "cat"]), vectors=[[4.0, 5], [1, 2], [0, 0]])
    assert as_dict(path, "the", "cat", "dog") == {"the": [1, 2], "cat": [4, 5]}
    assert read_vectors(path, {"the"}, mean=True).mean == pytest.approx([5 / 3, 7 / 3])


def test_only_what_is_wanted_is_kept(tmp_path: Path) -> None:
    assert as_dict(write(tmp_path, "v.txt", TEXT), "cat") == {"cat": [4, 5, 6]}


def test_words_with_blanks_are_not_mistaken_for_others(tmp_path: Path) -> None:
    data = b"the 1 2 3\n. . 9 9 9\nat name 8 8 8\n. 4 5 6\nat 7 7 7\n"
    wanted = {".": [4, 5, 6], "at": [7, 7, 7]}
    assert as_dict(write(tmp_path, "v.txt", data), ".", "at", "name") == wanted


def test_the_first_of_two_vectors_counts(tmp_path: Path) -> None:
    assert as_dict(write(tmp_path, "v.txt", b"a 1 2\na 3 4\n"), "a") == {"a": [1, 2]}


def test_the_mean_is_that_of_the_whole_file(tmp_path: Path) -> None:
    path = write(tmp_path, "v.txt", TEXT)
    assert read_vectors(path, {"cat"}, mean=True).mean == pytest.approx([11.5 / 4, 15.001 / 4, 4.5])
    assert not read_vectors(path, {"cat"}).mean.any()


def test_memory_holds_a_line_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    numbers = b" ".join(b"%.5f" % x for x in np.random.default_rng(0).normal(size=300))
    with path.open("wb") as file:
        for k in range(4000):
            file.write(b"word%d %s\n" % (k, numbers))
    size = path.stat().st_size
    tracemalloc.start()
    vectors = read_vectors(path, {"word7", "word3999"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(vectors.rows) == 2
    assert peak < size / 20


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        *(("v.txt", data, "v.txt: is empty") for data in (b"", b"\n\n", b"4 3\n")),
        *(
            ("v.txt", data, f"line 2: {count} numbers after the word, 3 expected")
            for count, *texts in (
                (2, b"the 1 2 3\ncat 4 5\n", b"4 3\nthe 1 2\n", b"cat 1 2 3\nthe  4 5\n"),
                (4, b"cat 1 2 3\nthe 4 5 6 7\n"),
            )
            for data in texts
        ),
        ("v.txt", b"the\ncat\n", "line 1: 0 numbers after the word, some expected; lines of"),
        ("v.txt", b"the 1 x 3\n", "line 1: 'x' is not a number"),
        ("v.txt", b"the 0,1 2,5\n", "line 1: '0,1' is not a number"),
        ("v.txt", b"\xff\xfet\x00h\x00e\x00 \x001", "v.txt: cannot be read .*truncated"),
        ("v.txt", b"the 1 nan 3\n", "line 1: a number is not finite"),
        ("v.txt", b"dog 1 2 3\n", "holds none of the 1 words of the text"),
        ("v.bin", b"4 3\nthe " + bytes(range(128, 140)) * 3 + b"\n", "line 2: 1 numbers|line 2: "),
        ("v.bin", b"\x01" * (1 << 20), "is no text file of word vectors"),
        ("v.npz", b"the 1 2 3\n", "v.npz: cannot be read"),
        ("v.npz", b"", "v.npz: cannot be read"),
    ],
)
def test_what_is_no_table_of_vectors_is_refused(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    path = write(tmp_path, name, data)
    with pytest.raises(StoreError, match=said) as caught:
        read_vectors(path, {"the"})
    assert "\n" not in str(caught.value)


def test_a_damaged_gz_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = write(
        tmp_path, "v.txt.gz", b"".join(b"w%d %f\n" % (k, rng.normal()) for k in range(9999))
    )
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(StoreError, match="cannot be read"):
        read_vectors(path, {"w1"})
    path.write_bytes(TEXT)
    with pytest.raises(StoreError, match="cannot be read"):
        read_vectors(path, {"the"})


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"words": ["a"]}, "cannot be read"),
        ({"words": ["a"], "vectors": [1.0]}, r"has words \(1,\) and vectors \(1,\)"),
        ({"words": ["a", "b"], "vectors": [[1.0]]}, r"has words \(2,\) and vectors \(1, 1\)"),
        ({"words": ["a"], "vectors": [[np.inf]]}, "not finite"),
        ({"words": np.array(["a"], object), "vectors": [[1.0]]}, "cannot be read"),
        ({"words": [], "vectors": np.zeros((0, 3))}, "has words"),
    ],
)
def test_a_wrong_npz_is_refused(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "v.npz", **arrays)
    with pytest.raises(StoreError, match=said):
        read_vectors(tmp_path / "v.npz", {"a"})


def test_an_absent_file_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such file; set glove\.vectors=FILE"):
        read_vectors(tmp_path / "none.txt", {"a"})
    with pytest.raises(EmocliError, match="there is no such file"):
        read_vectors(tmp_path, {"a"})
