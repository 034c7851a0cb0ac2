"""M2FNet with scene, face, or both as the visual modality.

Table 3, "to validate the impact of dual network": "Scene Embeddings" is the row 'scene', "Weighted
Face Embeddings" is 'weighted faces', "Proposed" is 'scene and weighted faces'.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Table 3.
"""

from __future__ import annotations

from typing import ClassVar

from emocli.experiments.papers._chudasama import (
    EXTRACTED,
    METRICS,
    SYNTHETIC,
    Modalities,
    Printed,
    row,
)
from emocli.plugin.experiment import Names, Table

SCENE: Printed = {"meld": (65.23, 64.23), "iemocap": (67.65, 67.70)}
FACE: Printed = {"meld": (66.37, 65.67), "iemocap": (67.32, 67.28)}
BOTH: Printed = {"meld": (67.85, 66.71), "iemocap": (69.69, 69.86)}


class Config(Modalities):
    """Settings: the features that are compared.

    Attributes
    ----------
    scene : str
        The feature of whole pictures. It and the next two are of the visual modality and in one
        store: the command has to name one of them beside the features of the other modalities.
    face : str
        The feature of faces, weighted by their area.
    both : str
        The feature that holds pictures and faces.
    """

    DIFFERENT: ClassVar[tuple[tuple[str, ...], ...]] = (
        *Names.DIFFERENT,
        ("scene", "face", "both"),
    )

    scene: str = "scene_embedding"
    face: str = "face_embedding"
    both: str = "visual_embedding"


def table(config: Config) -> Table:
    """Return the table: text and sound stay the same."""
    views = (
        ("scene", config.scene, SCENE),
        ("weighted faces", config.face, FACE),
        ("scene and weighted faces", config.both, BOTH),
    )
    return Table(
        title="M2FNet: scene, faces, and both",
        rows=tuple(
            row(name, config, values, features={config.visual: feature})
            for name, feature, values in views
        ),
        metrics=METRICS,
        comparisons=tuple((views[2][0], name) for name, *_ in views[:2]),
        task="single",
        synthetic=SYNTHETIC,
        features=EXTRACTED,
        notes=(config.note,),
    )
