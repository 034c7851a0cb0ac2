"""What the figures of analyses and their sections on pages are made of.

A `Style` has the canvas, and makes a `Drawing` of it: a figure with its title and caption. `line`
and `bar` are the looks of the first, second, ... line or kind of bars: in colours that colour-blind
readers distinguish, and with markers or hatches, so that nothing depends on colour alone. Sections
of pages are `Heading`, `Paragraph`, `ReportTable`, `Panels` of `Chart`, and any other `Part`.

>>> bar(1)["facecolor"], bar(1)["hatch"]
('#d55e00', '////')
"""

from emocli.report.canvas import GREY as GREY
from emocli.report.canvas import SCREEN as SCREEN
from emocli.report.canvas import Drawing as Drawing
from emocli.report.canvas import Style as Style
from emocli.report.chart import LOOKS as LOOKS
from emocli.report.chart import Chart as Chart
from emocli.report.chart import ChartLine as ChartLine
from emocli.report.chart import legend_of as legend_of
from emocli.report.document import Heading as Heading
from emocli.report.document import Paragraph as Paragraph
from emocli.report.document import Part as Part
from emocli.report.document import grid as grid
from emocli.report.palette import COLOURS as COLOURS
from emocli.report.palette import DASHES as DASHES
from emocli.report.palette import MARKERS as MARKERS
from emocli.report.palette import SHADES as SHADES
from emocli.report.palette import bar as bar
from emocli.report.palette import line as line
from emocli.report.parts import Card as Card
from emocli.report.parts import Cards as Cards
from emocli.report.parts import Folded as Folded
from emocli.report.parts import Heat as Heat
from emocli.report.parts import Note as Note
from emocli.report.parts import Panels as Panels
from emocli.report.parts import Span as Span
from emocli.report.parts import SpanTable as SpanTable
from emocli.report.tables import Cell as Cell
from emocli.report.tables import ReportTable as ReportTable
from emocli.report.tables import text as text
