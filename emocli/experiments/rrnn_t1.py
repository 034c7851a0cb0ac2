"""RRNN on CREMA-D: audio, vision, and both through gated attention.

Source: Beard et al. 2018, Table 1 and section 5.
"""

from __future__ import annotations

from emocli.config import Settings
from emocli.experiments._beard import printed
from emocli.experiments._table import Row, Table


class Config(Settings):
    """What is compared.

    Attributes
    ----------
    audio, visual : str
        The two modalities, as the store calls them.
    """

    audio: str = "audio"
    visual: str = "visual"


def table(config: Config) -> Table:
    """Return the table: each view by itself, and both."""
    both = (config.audio, config.visual)
    return Table(
        title="RRNN on CREMA-D: each view by itself, and both",
        rows=(
            Row("prior", baseline="prior", modalities=both),
            Row("A", fusion="unimodal", modalities=both[:1], printed=printed(0.415)),
            Row("V", fusion="unimodal", modalities=both[1:], printed=printed(0.525)),
            Row("A + V", fusion="rrnn", modalities=both, printed=printed(0.65)),
            Row("SVM on functionals", baseline="svm", modalities=both),
        ),
        comparisons=(("A + V", "A"), ("A + V", "V"), ("A + V", "SVM on functionals")),
        task="single",
        notes=(
            "raters who hear, see, or do both recognise .409, .582, .636 of the intended emotions",
            "the paper's split is not published",
        ),
    )
