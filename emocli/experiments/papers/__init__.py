"""Experiments: the tables of the papers, one file each, run by `emocli reproduce`.

A file is the table: what its rows are, under which conditions they are tested, what the paper
printed. It computes nothing. It holds a docstring whose first line says what the table is and whose
``Source:`` line says where it is from, and

- ``Config``, the experiment's own settings (`emocli.config.Settings`): section ``[experiment]``;
- ``table(config) -> Table``, made of the parts in `emocli.experiments.table`.

The name of the file is that of the experiment, with ``_`` for ``-``: ``rrnn_t2.py`` is what
``emocli reproduce rrnn-t2`` runs. For example::

    '''Two views of my corpus, and their fusion.

    Source: nobody 2026.
    '''

    class Config(Settings):
        noise: tuple[str, ...] = ("0dB",)

    def table(config: Config) -> Table:
        tested = (CLEAN, *(Condition(f"audio {n}", (f"audio:gaussian@{n}",)) for n in config.noise))
        return Table(
            title="Fusion under noise",
            rows=(
                Row("audio", fusion="unimodal", modalities=("audio",), conditions=tested),
                Row("gated", fusion="rrnn", conditions=tested, printed={"clean": {"uar": 0.6}}),
                Row("gated, check", like="gated", conditions=(
                    Condition("audio 0dB", ("audio:gaussian@0dB",), repair={"check": True}),
                )),
                Row("SVM", baseline="svm", conditions=tested),
            ),
            comparisons=(("gated", "audio"), ("gated", "SVM")),
        )

A table of encoders has rows like ``Row("fixed margin", encoder="audio", settings={"loss": {"amt":
"fixed"}})``, and their metric: ``figures=("nearest",)``.

`emocli.experiments.runner` trains every row with all folds and seeds, measures every condition on
the test clips, compares, and writes the report.
"""
