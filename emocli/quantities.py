"""Types of numbers in settings: each kind of quantity has a least and a greatest value.

The bounds are wide. They are not advice, but keep a slip of the keyboard, or of a file, from asking
for memory, threads or time that no machine has, and are what a message offers instead.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from emocli.limits import MOST_FOLDS, MOST_SEED, MOST_SEEDS, MOST_THREADS

# Shares and factors

Probability = Annotated[float, Field(ge=0, le=1)]
"""A share, from none to all."""
Chance = Annotated[float, Field(gt=0, le=1)]
"""A share that is not none."""
Dropped = Annotated[float, Field(ge=0, lt=1)]
"""A share that is not all."""
Between = Annotated[float, Field(gt=0, lt=1)]
"""A share that is neither."""
Factor = Annotated[float, Field(ge=0, le=1e6)]
"""Of a term of a loss, of a regularisation; a limit, where 0 is none."""
Weight = Annotated[float, Field(ge=1e-6, le=1e6)]
"""Of a class."""
Number = Annotated[float, Field(ge=-1e12, le=1e12)]
"""Of a scale that is the user's own."""
Decibels = Annotated[float, Field(ge=-200, le=200)]

# Trainings

LearningRate = Annotated[float, Field(gt=0, le=100)]
Decay = Annotated[float, Field(ge=0, le=100)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Patience = Annotated[int, Field(ge=0, le=100_000)]
BatchSize = Annotated[int, Field(ge=1, le=1_000_000)]
Seeds = Annotated[int, Field(ge=1, le=MOST_SEEDS)]
"""Trainings that differ by nothing else."""
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
"""What NumPy and PyTorch both take."""
Folds = Annotated[int, Field(ge=0, le=MOST_FOLDS)]
"""Of a cross-validation; 0 is none."""

# Machines

Threads = Annotated[int, Field(ge=0, le=MOST_THREADS)]
"""0 leaves the choice to the library."""
Megabytes = Annotated[int, Field(ge=0, le=2**20)]

# Sizes of networks and of arrays

Size = Annotated[int, Field(ge=1, le=8192)]
"""Units of a layer, dimensions of a space."""
Width = Annotated[int, Field(ge=0, le=2**24)]
"""Numbers of a feature's row, as a file says."""
Depth = Annotated[int, Field(ge=1, le=32)]
"""Layers, hops, heads, and what else is counted on fingers."""
Steps = Annotated[int, Field(ge=1, le=100_000)]
"""Of a sequence."""
Neighbours = Annotated[int, Field(ge=1, le=1_000_000)]
Turns = Annotated[int, Field(ge=0, le=1000)]
"""Of a dialogue, before or after."""
Tokens = Annotated[int, Field(ge=8, le=32_768)]

# Pictures and sound

Side = Annotated[int, Field(ge=8, le=2048)]
"""Of a picture, in pixels."""
PicturesPerSecond = Annotated[float, Field(ge=0.01, le=1000)]
PicturesAtOnce = Annotated[int, Field(ge=1, le=4096)]
Hertz = Annotated[float, Field(ge=0, le=384_000)]
SamplingRate = Annotated[int, Field(ge=1000, le=384_000)]
Milliseconds = Annotated[float, Field(ge=0.1, le=10_000)]
