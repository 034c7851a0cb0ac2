"""Mean network and SVM, clean and with the other sign.

Source: this example.
"""

from __future__ import annotations

from emocli.plugin.experiment import CLEAN, Condition, Names, Row, Table, read


class Config(Names):
    """What is compared.

    Attributes
    ----------
    text : str
        The modality, as the store calls it.
    """

    text: str = "text"


def table(config: Config) -> Table:
    """Return the table: both systems under two conditions."""
    tested = (CLEAN, Condition("negative", read([f"{config.text}:negative"])))
    return Table(
        title="Mean of the words' letters",
        rows=(
            Row("mean", fusion="mean", modalities=(config.text,), conditions=tested),
            Row("SVM", baseline="svm", modalities=(config.text,), conditions=tested),
        ),
        comparisons=(("mean", "SVM"),),
        task="single",
    )
