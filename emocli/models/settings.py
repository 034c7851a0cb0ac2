"""Settings of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from emocli.config import Settings
from emocli.data.manifest import Task
from emocli.data.normalisation import LEAST_CLIPS, SHRINKAGE, LeastClips, Normalisation, Shrinkage
from emocli.data.standardise import OUTLIERS
from emocli.errors import ConfigError, choice
from emocli.metrics.metrics import DEFINITIONS
from emocli.models.functionals_path import FunctionalsPath
from emocli.models.losses import LossName
from emocli.quantities import (
    BatchSize,
    Decay,
    Dropped,
    Epochs,
    Factor,
    LearningRate,
    Megabytes,
    Patience,
    Probability,
    Seed,
    Threads,
    Weight,
)
from emocli.rules import BATCH, EPOCHS, Rules
from emocli.space import Choice, Space, Uniform

MONITORS: dict[Task, str] = {"single": "accuracy", "multi": "weighted_f1", "intensity": "mse_sum"}
"""What decides which epoch is best, by default (Beard 2018; Mittal 2020)."""

Accelerator = Literal["auto", "cpu", "cuda"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
ClassWeights = Literal["none", "balanced"] | dict[str, Weight]


class TrainConfig(Settings):
    """Settings of a training.

    Attributes
    ----------
    lr : float
        Learning rate of the optimizer.
    weight_decay : float
        How strongly the optimizer draws the parameters to zero; 0: not.
    batch_size : int
        Clips, or dialogues, from which each step of the optimizer learns.
    epochs : int
        Most epochs that are trained; ``patience`` may end it sooner.
    patience : int
        Epochs in a row without one better than the best by ``monitor``, after which training ends;
        the best is kept. 0: there is no early stopping, and the last epoch is kept.
    clip : float
        Largest norm of the gradient; 0 for no limit.
    loss : {'auto', 'ce', 'l2', 'bce', 'huber', 'ccc'}
        Cross-entropy of the classes, squared error, cross-entropy of each class by itself, Huber's
        loss, or one minus the concordance correlation of a batch (intensities); auto: ce for one
        class per clip, bce for any number of them, huber for intensities.
    label_smoothing : float
        Share of a target that is spread evenly over the other answers; intensities stay as they
        are.
    class_weights : {'none', 'balanced'}, or a mapping of classes to weights
        Whether the loss weighs classes by the inverse of their frequency in the train split, or by
        hand; a class the mapping does not name weighs 1.
    sampler : {'none', 'balanced'}
        Whether an epoch draws clips so that every class is equally frequent.
    optimizer : {'adam', 'adamw'}
        Adam, whose weight decay is a part of the gradient, or AdamW, where it is decoupled.
    target : {'label', 'votes', 'one_vs_rest'}
        Whether a clip of one class is learnt as its label, as the shares of its raters' votes, or
        as a question for each class, this one or not (Mittal 2020: "binary classification per
        class"): outputs are then probabilities of each class by itself, the predicted class is the
        most probable one, and binary metrics count a class from a probability of one half. The
        loss is then ``bce`` unless another one is set, whatever the preset.
        Validation is by the label.
    mixup : float
        How evenly pairs of clips are mixed into new ones (`emocli.training.targets.mixed`); 0: not.
    scheduler : {'none', 'plateau', 'cosine'}
        Whether the learning rate stays; is halved whenever a third of ``patience`` epochs have not
        been better than the best; or falls to zero over ``epochs``, as half a cosine.
    warmup : float
        Share of ``epochs`` in which the learning rate grows from zero, step by step, to what the
        scheduler says.
    modality_dropout : float
        Probability with which each modality of a clip is dropped, every time the clip is learnt
        from; one always stays.
    time_mask : float
        Largest share of a clip's steps that are masked in each modality, one run of them, drawn
        anew every time a clip is learnt from (Park et al. 2019); 0: none.
    feature_mask : float
        Largest share of each modality's columns (dimensions of its feature) that are masked in a
        clip, drawn anew every time it is learnt from; 0: none.
    view_dropout : float
        Probability with which each number of each modality's features is set to zero, the others
        scaled up instead, every time a clip is learnt from.
    view_noise : float
        Standard deviation of the noise on each number, in those of the standardised features.
    adversary : float
        Weight by which the network learns what makes training speakers hard to tell by the vector
        that it classifies a clip by (`emocli.training.adversary`); 0: not.
    swa : int
        Epoch from whose end on the parameters are averaged, each epoch's with equal weight
        (stochastic weight averaging, Izmailov et al. 2018); the average is what is validated and
        kept, while learning goes on from the parameters themselves. 0: none.
    refit : bool
        Whether the network is trained once more when the number of epochs is known: anew, on train
        and valid split together, for as many at the same learning rates.
    layer_mix : bool
        Whether of features with several layers of an encoder side by side a mix is learnt, which is
        what the network sees (`emocli.models.layer_mix`).
    functionals : {'none', 'linear', 'mlp', 'whitened', 'both', 'all'}
        Whether a parallel path, a model of the functionals of the views, predicts with the network
        (`emocli.models.functionals_path`): a linear one, one with a hidden layer, one with a hidden
        layer on functionals whitened within classes, the first two, or all three.
    functionals_dropout : float
        Share of its inputs, and hidden units, that is dropped in training.
    functionals_limit : float
        Standard deviations of the training clips at which functionals, also those of the classical
        baselines, are clipped; 0: not.
    functionals_steps : int
        Steps of a clip that the path's functionals are of at most: of a longer view each is the
        mean of several, in which noise averages out; 0: any number. Those of the baselines are of
        all steps.
    monitor : str
        Validation metric by which epochs are compared: ``loss`` or one of the task's metrics.
        ``auto`` is accuracy for one class per clip, the weighted F1 for any number of classes and
        the summed squared error for intensities. A tie is decided by the validation loss.
    precision : {'32-true', 'bf16-mixed', '16-mixed'}
        Arithmetic of training: 32 bits, or 16 where they do (bfloat16, float16); validation is
        always in 32.
    accelerator : {'auto', 'cpu', 'cuda'}
        Where to train: on the CPU, on a CUDA GPU, or on a GPU if there is one.
    threads : int
        CPU threads of PyTorch; 0 leaves the choice to it. Small networks are fastest with one,
        many times so where other programs use the cores, too.
    seed : int
        Seed of the parameters' first values, the order of the clips and dropout; of several runs
        that differ in it, the first one's.
    normalise : {'none', 'speaker'}
        Whether features are normalised by speaker as they are read
        (`emocli.data.speakers.SpeakerNormaliser`): with unlabelled clips of everybody, also of
        those who are tested, which every report says.
    shrinkage : float
        k of ``normalise``: a speaker of n clips is normalised by n / (n + k) of the own statistics
        and k / (n + k) of the population's. 0: by the speaker's alone, as `emocli normalise` does.
    least_clips : int
        Clips below which a speaker is normalised by the population's statistics alone.
    outliers : float
        Robust standard deviations from the median beyond which a number of a feature is clipped,
        and counted; 0 clips none.
    cache_mb : int
        Megabytes of memory for features that would otherwise be read in every epoch.
    """

    # Epochs and batch follow the size of the corpus (RULES). What else regularises is tried off and
    # as it was measured (docs/results.md): more values of each would not fit into tens of trials.
    # Not searched, for it is another question: `normalise`, with which other clips of the tested
    # speakers are known, and `layer_mix`, which depends on the features.
    SPACE: ClassVar[Space] = {
        # Adam moves too little in tens of epochs below, and diverges on small batches above.
        "lr": Uniform(1e-4, 1e-2, log=True),
        # From next to none to ten times the default of `plus`.
        "weight_decay": Uniform(1e-6, 1e-1, log=True),
        # With more than half of the modalities gone most clips would be down to one.
        "modality_dropout": Uniform(0.0, 0.5),
        # Zhang et al. 2018: 0.1 to 0.4; more mixes nearly evenly.
        "mixup": Choice((0.0, 0.2, 0.4)),
        "time_mask": Choice((0.0, 0.2)),
        "feature_mask": Choice((0.0, 0.2)),
        "view_dropout": Choice((0.0, 0.2)),
        "swa": Choice((0, 3, 10)),
    }
    RULES: ClassVar[Rules] = {"batch_size": BATCH, "epochs": EPOCHS}

    lr: LearningRate = 1e-3
    batch_size: BatchSize = 32
    epochs: Epochs = 100
    patience: Patience = 10
    weight_decay: Decay = 1e-5
    clip: Factor = 1.0
    loss: LossName = "auto"
    label_smoothing: Dropped = 0.0
    class_weights: ClassWeights = "none"
    sampler: Literal["none", "balanced"] = "none"
    optimizer: Literal["adam", "adamw"] = "adam"
    target: Literal["label", "votes", "one_vs_rest"] = "label"
    mixup: Annotated[float, Field(ge=0, le=1000)] = 0.0
    scheduler: Literal["none", "plateau", "cosine"] = "none"
    warmup: Probability = 0.0
    modality_dropout: Dropped = 0.0
    time_mask: Dropped = 0.0
    feature_mask: Dropped = 0.0
    view_dropout: Dropped = 0.0
    view_noise: Annotated[float, Field(ge=0, le=100)] = 0.0
    adversary: Factor = 0.0
    swa: Annotated[int, Field(ge=0, le=100_000)] = 0
    refit: bool = False
    layer_mix: bool = False
    functionals: FunctionalsPath = "none"
    functionals_dropout: Dropped = 0.5
    functionals_limit: Factor = 0.0
    functionals_steps: Annotated[int, Field(ge=0, le=100_000)] = 0
    monitor: str = "auto"
    precision: Precision = "32-true"
    accelerator: Accelerator = "auto"
    threads: Threads = 0
    seed: Seed = 0
    normalise: Normalisation = "none"
    shrinkage: Shrinkage = SHRINKAGE
    least_clips: LeastClips = LEAST_CLIPS
    outliers: Factor = OUTLIERS
    cache_mb: Megabytes = 512

    @property
    def one_vs_rest(self) -> bool:
        """Whether every class is a question of its own although a clip has one."""
        return self.target == "one_vs_rest"

    @property
    def idle(self) -> list[str]:
        """Settings that ask for what never happens, a line each."""
        lines = []
        if self.swa >= self.epochs:
            lines.append(
                f"train.swa = {self.swa} averages nothing with train.epochs = {self.epochs}"
            )
        if self.functionals_steps and self.functionals == "none":
            steps = f"train.functionals_steps = {self.functionals_steps}"
            lines.append(f"{steps} averages nothing with train.functionals = none")
        return lines

    def logit_task(self, task: Task) -> Task:
        """Return the task of the logits: with one-vs-rest, any number of classes."""
        return "multi" if self.one_vs_rest and task == "single" else task

    def monitored(self, task: Task) -> str:
        """Return the metric that decides.

        Raises
        ------
        ConfigError
            If the task has no such metric.
        """
        known = ["loss", *DEFINITIONS[task]]
        name = MONITORS[task] if self.monitor == "auto" else self.monitor
        if name not in known:
            raise ConfigError(
                f"setting 'train.monitor' = '{name}' is no metric of a task of kind '{task}'",
                hint=f"there are: auto, {', '.join(known)}",
            )
        return name

    def compared(self, task: Task) -> str:
        """Return the metric that network and baselines are compared by: the loss is its own."""
        name = self.monitored(task)
        return MONITORS[task] if name == "loss" else name

    def weighed(self, classes: Sequence[str]) -> ClassWeights:
        """Return the weighting of the classes; of weights by hand, one for each class.

        Raises
        ------
        ConfigError
            If one is of no class.
        """
        weights = self.class_weights
        if isinstance(weights, str):
            return weights
        for name in weights:
            if name not in classes:
                raise ConfigError(
                    f"setting 'train.class_weights.{name}': there is no such class",
                    hint=choice(name, list(classes)),
                )
        return {name: weights.get(name, 1.0) for name in classes}
