"""The meaning of a column of labels: classes, numbers that are classes, intensities, or a fault."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from emocli.data.clip import Clip
from emocli.datasets._labels import LabelColumn, Labels, cleaned_label, number, read_labels
from emocli.errors import ManifestError


@dataclass(frozen=True)
class TableSettings:
    """Settings of a table of clips."""

    task: str = "auto"
    edges: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()


def column(*cells: str) -> LabelColumn:
    return LabelColumn("mood", cells, tuple(range(2, len(cells) + 2)), Path("t.csv"))


def read(*cells: str, **settings: object) -> Labels:
    return read_labels(column(*cells), TableSettings(**settings))  # type: ignore[arg-type]


def test_names_are_classes_and_differ_by_more_than_case() -> None:
    labels = read("joy", "Joy", "joy", "", "anger")
    assert (labels.task, labels.classes) == ("single", ("anger", "joy"))
    assert labels.cells == ("joy", "joy", "joy", None, "anger")
    assert labels.notes == ("1 label is taken for another class: they differ in case alone",)


@pytest.mark.parametrize(
    ("cells", "settings", "task", "classes", "values"),
    [
        (("1", "01", "1.0", "2"), {}, "single", ("1", "2"), ("1", "1", "1", "2")),
        (("0.5", "1", ""), {}, "intensity", ("mood",), (0.5, 1.0, None)),
        (("1", "2"), {"task": "intensity"}, "intensity", ("mood",), (1.0, 2.0)),
        (("0,5", "1,25"), {}, "intensity", ("mood",), (0.5, 1.25)),
        (("1", "2"), {"classes": ("no", "yes")}, "single", ("no", "yes"), ("no", "yes")),
        (("0.5", "joy"), {"task": "single"}, "single", ("0.5", "joy"), ("0.5", "joy")),
        (
            ("-2", "0", "2.5"),
            {"edges": (-1.0, 1.0)},
            "single",
            ("below -1", "-1 to 1", "1 and above"),
            ("below -1", "-1 to 1", "1 and above"),
        ),
    ],
)
def test_numbers_are_classes_intensities_or_between_edges(
    cells: tuple[str, ...],
    settings: dict[str, object],
    task: str,
    classes: tuple[str, ...],
    values: tuple[object, ...],
) -> None:
    labels = read(*cells, **settings)
    assert (labels.task, labels.classes, labels.cells) == (task, classes, values)


def test_many_whole_numbers_are_intensities() -> None:
    assert read(*map(str, range(20))).task == "single"
    assert read(*map(str, range(21))).task == "intensity"


def test_decimal_commas_are_noted() -> None:
    assert read("0,5", "1").notes == ("labels have decimal commas: '0,5'",)


@pytest.mark.parametrize(
    ("cells", "settings", "message"),
    [
        (("", ""), {}, r"t\.csv, column 'mood': holds no label"),
        (("1", "2", "x"), {}, r"t\.csv, row 4, .*'x' is no finite number, but 2 other labels are"),
        (("1", "inf", "3"), {}, r"row 3, .*'inf' is no finite number"),
        (("a", "b"), {"edges": (1.0,)}, r"does not hold numbers; leave table\.edges out"),
        (("a", "b"), {"classes": ("a",)}, r"row 3, .*holds 'b', which is not in table\.classes"),
        (("1", "2"), {"classes": ("a",)}, r"has 2 classes, table\.classes names 1"),
        (tuple(map(chr, range(97, 119))), {}, r"holds 22 different labels for 22 clips, as 'a'"),
    ],
)
def test_what_cannot_be_labels_is_refused_with_its_place(
    cells: tuple[str, ...], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        read(*cells, **settings)
    assert "\n" not in str(caught.value)


def test_a_label_is_put_on_its_clip() -> None:
    clip = Clip("a")
    assert read("joy", "anger").on(clip, 0).label == "joy"
    assert read("0.5", "").on(clip, 0).labels == {"mood": 0.5}
    assert read("0.5", "").on(clip, 1) is clip


def test_cells_are_cleaned() -> None:
    assert [cleaned_label(cell) for cell in (" oh  my ", "NaN", "", "e\u0301")] == [
        "oh my",
        "",
        "",
        "\u00e9",
    ]
    assert [number(cell) for cell in ("1e3", "1_0", "nan", "1,5")] == [1000.0, None, None, None]
    assert number("1,5", comma=True) == 1.5
