"""openSMILE: functionals or descriptors of the voice, as SMILExtract or Python write them.

Source: Eyben, Wöllmer & Schuller 2010, ACM Multimedia (openSMILE).
Licence: openSMILE is free for research and teaching; other use needs a licence of audEERING.

SMILExtract writes ``name;frameTime;...`` (``-csvoutput``, ``-lldcsvoutput``; without ``frameTime``
for functionals of a whole file), the package ``opensmile`` an index ``file,start,end,...`` whose
times are ``0 days 00:00:01.500000``. One table may be about many files.
"""

from __future__ import annotations

from typing import ClassVar

from emocli.plugin.format import Layout, Patterns

MODALITY = "audio"


class Config(Layout):
    """As `Layout`; ``columns=F0*`` are those of the pitch."""

    OWN: ClassVar[Patterns] = ("frametime", "frameindex", "name", "file", "start", "*_sma*")

    file: Patterns = ("file", "name")
    time: Patterns = ("start", "frametime")
    end: Patterns = ("end",)
    without: Patterns = ("frameIndex",)
    separators: str = ",;"
