"""Formats of tables: how programs for faces and voices write their features.

A module of kind ``formats`` offers

``MODALITY``
    the modality its tables describe; empty where a table may describe anything;
``Config``
    a `Layout` whose defaults say how the program names its columns, and whose ``OWN`` which columns
    no other program writes: by them a table of another one is refused.

>>> class Config(Layout):
...     "As `Layout`; a column ``t`` in milliseconds."
...
...     time: tuple[str, ...] = ("t",)
...     seconds: Unit = 0.001
>>> Config().of_time
('t',)
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import Field

from emocli.config import Settings
from emocli.quantities import PicturesPerSecond as PicturesPerSecond
from emocli.quantities import Probability as Probability

Patterns = tuple[str, ...]
"""Names of columns; ``*`` and ``?`` stand for any characters."""

Unit = Annotated[float, Field(ge=1e-9, le=1e6)]
"""Seconds of a unit of time."""

FrameNumber = Annotated[int, Field(ge=0, le=1_000_000)]


class Layout(Settings):
    """The layout of a table: its features, times, faces and failures.

    Capitals make no difference in names but those of ``columns`` and ``without``.

    Attributes
    ----------
    columns : tuple of str
        Which columns are features, ``AU*_r`` for a group; those that tell something below are none.
    without : tuple of str
        Columns that are no features although ``columns`` names them.
    file : tuple of str
        Columns that name the file a row is about, in tables about several files.
    time : tuple of str
        Columns of the time of a row, or of its start where there is an end.
    end : tuple of str
        Columns of the time at which a row ends.
    seconds : float
        Length of a unit of these times in seconds: .001 of milliseconds.
    frame : tuple of str
        Columns of the number of the frame, from which times follow where no column tells them.
    rate : float, optional
        Frames per second, by which the numbers of frames are times.
    first : int
        Number that the first frame of a file has.
    face : tuple of str
        Columns that number the faces of a frame.
    confidence : tuple of str
        Columns of the confidence of a row.
    min_confidence : float
        Least confidence of a row that counts.
    success : tuple of str
        Columns that are 0 in rows of frames that failed.
    faces : {'main', 'mean', 'all'}
        Of several faces in a frame take the one that is in most frames of the clip (where faces
        have no numbers, the most confident of each frame), their mean, or all, one row each.
    missing : tuple of str
        Cells that mean that there is no number.
    suffixes : tuple of str
        Ends of the names of the files.
    separators : str
        What stands between cells in the format.
    blanks : bool
        Whether any number of blanks may stand between cells, too.
    """

    OWN: ClassVar[Patterns] = ()
    """Columns, in lower case, that only this program writes; without any no table is refused."""

    columns: Patterns = ("*",)
    without: Patterns = ()
    file: Patterns = ()
    time: Patterns = ()
    end: Patterns = ()
    seconds: Unit = 1.0
    frame: Patterns = ()
    rate: PicturesPerSecond | None = None
    first: FrameNumber = 0
    face: Patterns = ()
    confidence: Patterns = ()
    min_confidence: Probability = 0.0
    success: Patterns = ()
    faces: Literal["main", "mean", "all"] = "main"
    missing: tuple[str, ...] = ("", "nan", "na", "n/a", "null", "none", "--undefined--")
    suffixes: tuple[str, ...] = (".csv",)
    separators: str = ","
    blanks: bool = False

    @property
    def of_time(self) -> Patterns:
        """Columns that tell when a row is, numbers of frames left out."""
        return (*self.time, *self.end)

    @property
    def no_features(self) -> Patterns:
        """Columns that tell something other than a feature."""
        faces = (*self.face, *self.confidence, *self.success)
        return (*self.file, *self.of_time, *self.frame, *faces)


class Format(Protocol):
    """The module of a format, as a type."""

    MODALITY: str
    Config: type[Layout]
