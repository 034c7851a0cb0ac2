"""The common part of features of ONNX files: the file, where it computes, and its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.errors import ConfigError, reason
from emocli.models.encoder_files import onnx_digest
from emocli.plugin.feature import Device, ParametersConfig, Reloading, installed
from emocli.quantities import PicturesAtOnce

Array = NDArray[np.float32]

PROVIDERS: Mapping[Device, Sequence[str]] = MappingProxyType(
    {
        "auto": ("CUDAExecutionProvider", "CPUExecutionProvider"),
        "cpu": ("CPUExecutionProvider",),
        "cuda": ("CUDAExecutionProvider",),
    }
)


class OnnxConfig(ParametersConfig):
    """Settings: the file, and which of its outputs.

    Attributes
    ----------
    model : Path
        The ONNX file that computes the feature.
    output : str, optional
        Name of the output that is the feature; its first if not given.
    softmax : bool
        Turn the scores of the output into probabilities.
    batch : int
        Pictures or windows computed at a time; one where the file has room for one.
    device : {'auto', 'cpu', 'cuda'}
        Where to compute; ``auto`` is a GPU if there is one and ONNX Runtime was built for it.
    """

    model: Path
    output: str | None = None
    softmax: bool = False
    batch: PicturesAtOnce = 16
    device: Device = "auto"

    @classmethod
    def digest_of(cls, values: Tree) -> str:
        """Return the digest of the ONNX file and its parameters; see `ParametersConfig`."""
        path = Path(str(values.get("model", "")))
        return onnx_digest(path) if path.is_file() else ""


@dataclass(frozen=True)
class OnnxModel(Reloading):
    """An ONNX file, which each process loads for itself.

    It is a network and no program: operators of other libraries are not loaded, and parameters in
    further files are taken only from beside it.
    """

    config: OnnxConfig
    feature: str

    @property
    def shape(self) -> Sequence[int | str | None]:
        """The shape of its input: numbers where they are fixed."""
        shape: Sequence[int | str | None] = self._session.get_inputs()[0].shape
        return shape

    def __call__(self, inputs: Sequence[Array]) -> Array:
        """Return the output for inputs of one shape, shape (n, ...).

        Raises
        ------
        ConfigError
            If the file does not take them, or has no such output.
        """
        fixed = self.shape[0] if self.shape else None
        size = fixed if isinstance(fixed, int) else self.config.batch
        parts = [self._run(inputs[k : k + size], size) for k in range(0, len(inputs), size)]
        scores = np.concatenate(parts)
        if not self.config.softmax:
            return scores
        exponents = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))

    def _run(self, some: Sequence[Array], size: int) -> Array:
        """Compute some inputs; where the file has a fixed number of them, the rest is zeros."""
        session = self._session
        batch = np.stack(some).astype(np.float32)
        short = size - len(some) if isinstance(self.shape[0], int) else 0
        batch = np.concatenate([batch, np.zeros((short, *batch.shape[1:]), np.float32)])
        outputs = [output.name for output in session.get_outputs()]
        wanted = self.config.output or outputs[0]
        if wanted not in outputs:
            hint = f"there are: {', '.join(outputs)}"
            raise ConfigError(f"has no output '{wanted}'", where=self.config.model, hint=hint)
        try:
            (values,) = session.run([wanted], {session.get_inputs()[0].name: batch})
        except Exception as error:  # of the library, of types of its own
            what = f"takes {list(self.shape)}, not {list(batch.shape)} ({reason(error)})"
            hint = f"see the settings of {self.feature}"
            raise ConfigError(what, where=self.config.model, hint=hint) from None
        if not np.ndim(values) or len(values) != len(batch):
            what = f"'{wanted}' has shape {list(np.shape(values))} for {len(batch)} inputs"
            raise ConfigError(what, where=self.config.model, hint="set another output")
        return np.asarray(values, np.float32)[: len(some)]

    @cached_property
    def _session(self) -> Any:
        runtime = installed("onnxruntime", "onnx")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1  # workers share the machine, and sums keep their order
        options.log_severity_level = 3
        there = runtime.get_available_providers()
        providers = [name for name in PROVIDERS[self.config.device] if name in there]
        if not providers:
            hint = "set it to auto, or install onnxruntime-gpu"
            raise ConfigError("there is no GPU", where=f"{self.feature}.device", hint=hint)
        if not self.config.model.is_file():
            raise ConfigError("there is no such file", where=self.config.model)
        try:
            return runtime.InferenceSession(str(self.config.model), options, providers=providers)
        except Exception as error:  # of the library, of types of its own
            what = f"is no ONNX file that can be used ({reason(error)})"
            raise ConfigError(what, where=self.config.model) from None
