"""JSON and TOML of anyone: right, or one line, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from emocli.parsing import parse_json, parse_object, parse_toml, read_json, read_object, read_toml

DEEP = 100_000
BAD_JSON = {
    "lists": "[" * DEEP + "]" * DEEP,
    "unclosed lists": "[" * DEEP,
    "objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "deeper than allowed, though not for Python": "[" * 65 + "]" * 65,
    "digits": "1" + "0" * DEEP,
    "a few digits too many": "-1234567890123456789012",
    "twice": '{"a": 1, "b": 2, "a": 3}',
    "half a character": '{"a": "\\ud800"}',
    "none": "{'a': 1}",
    "nothing": "",
}
BAD_TOML = {
    "lists": "a = " + "[" * DEEP + "]" * DEEP,
    "unclosed lists": "a = " + "[" * DEEP,
    "tables": "a = " + "{a=" * DEEP + "1" + "}" * DEEP,
    "deeper than allowed, though not for Python": "a = " + "[" * 65 + "]" * 65,
    "after a string": 'b = "]]]]"\na = ' + "[" * DEEP,
    "after a comment": "# ]]]]\na = " + "[" * DEEP,
    "names": ".".join("a" * DEEP) + " = 1",
    "names with blanks": " . ".join("a" * DEEP) + " = 1",
    "quoted names": '"a".' * DEEP + "a = 1",
    "names of a table": "[" + ".".join("a" * DEEP) + "]",
    "digits": "a = 1" + "0" * DEEP,
    "hexadecimal digits": "a = 0x1" + "0" * DEEP,
    "65 bits": "a = [1, [18446744073709551616]]",
    "an unended string": 'a = """' + 'a\\"""' * DEEP,
    "a long unended string": 'a = "' + "a" * DEEP,
    "twice": "a = 1\na = 2",
    "none": "a",
    "NUL": "a = 'b\0'",
}


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        pytest.param(parse, text, id=f"{kind} {name}")
        for kind, parse, bad in (("JSON", parse_json, BAD_JSON), ("TOML", parse_toml, BAD_TOML))
        for name, text in bad.items()
    ],
)
def test_what_is_bad_is_one_line_and_soon(parse: Callable[[str], object], text: str) -> None:
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"^[^\n]{1,120}$"):
        parse(text)
    assert time.monotonic() - start < 2


def test_what_is_right_is_read() -> None:
    assert parse_json('{"a": [1, -2.5, null, true, "\\ud83d\\ude00", 18446744073709551615]}') == {
        "a": [1, -2.5, None, True, "\N{GRINNING FACE}", 2**64 - 1]
    }
    assert parse_json("[" * 64 + "]" * 64)
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    text = 'a.b = [0.1, 0.2]\nd = \'[[[{{{\'\ne = """[\n["""  # [[[\n[\'x.y\'.z]\n'
    assert parse_toml(text + "l = [" + "0.5, " * 500 + "]")["a"] == {"b": [0.1, 0.2]}
    assert parse_toml("a = " + "[" * 64 + "]" * 64)
    assert parse_toml('a = "' + "x." * 500 + '"')["a"] == "x." * 500


@pytest.mark.parametrize(
    ("text", "kind"),
    [("[1]", "a list"), ("3", "a number"), ('"a"', "a text"), ("null", "null"), ("true", "true")],
)
def test_another_value_where_an_object_is_expected_is_named(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match=f"it is {kind}.*, not an object"):
        parse_object(text)


def test_files_are_read_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": 1}')
    assert read_json(path) == read_object(path) == {"a": 1}
    for read in (read_json, read_object):
        with pytest.raises(ValueError, match="more than 7 bytes"):
            read(path, 7)
    with pytest.raises(ValueError, match="more than"):
        read_json(Path("/dev/zero"))
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "b.json")
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ValueError, match="utf-8"):
        read_toml(path)
    path.write_bytes(b"\xef\xbb\xbfa = 1")
    assert read_toml(path) == {"a": 1}
    with pytest.raises(ValueError, match="bytes"):
        read_toml(path, 5)
