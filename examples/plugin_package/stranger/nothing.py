"""A model of nothing, whose wheel no index has.

Source: this example.
"""

from __future__ import annotations

from emocli.plugin.model import MIT, Model, Wheel

MODEL = Model(
    name="nothing",
    summary="Nothing at all, as an example",
    licence="MIT",
    notice=MIT.format(owner="2026 nobody"),
    origin="this example",
    wheel=Wheel("emocli-example-nothing", "1", "0" * 64, "nothing", ("weights.bin",)),
    megabytes=1,
)
