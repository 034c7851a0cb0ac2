"""Trained networks, as analyses read them; it loads PyTorch and is imported inside functions.

`open_evaluator` opens a run, or all folds of a cross-validation, on the clips of a split;
`open_tester` the fold that tests a clip. Both are an `Evaluator`: its ``parts`` are the runs in it,
the ``members`` of each the networks of its seeds. ``predict`` returns the `Predictions` of clips
under corruptions: ``values`` is a tuple of arrays (n, C), the probabilities or intensities of each
seed, of which ``np.mean(values, axis=0)`` is the mean; ``scores`` are the metrics of each seed.
``transformed`` returns clips as the networks are given them, ``samples`` as they are in the store.
A network is called on a `Batch`, inside of `deterministic_torch`, and returns a `FusionOutput`::

    with deterministic_torch(part.config.train.threads), torch.inference_mode():
        for member in part.members:
            network = member.network.eval()
            for batch in part.transformed(corruptions, seed).batches(size, level(network)):
                network(batch).attention

Differences have intervals by `cluster_bootstrap`, over the groups of `clustered`; `interval_over`
and `warnings` say what these intervals are.

>>> cluster_bootstrap([0.0, 1.0, 1.0, 1.0], ["ann", "bob", "cid", "dan"]).mean
0.75
"""

from emocli.data.batch import Batch as Batch
from emocli.data.batch import FusionOutput as FusionOutput
from emocli.data.batch import Padded as Padded
from emocli.data.samples import Samples as Samples
from emocli.data.store import StoredFeature as StoredFeature
from emocli.data.words import read_words as read_words
from emocli.evaluation.cross_validation import Evaluator as Evaluator
from emocli.evaluation.cross_validation import open_evaluator as open_evaluator
from emocli.evaluation.cross_validation import open_tester as open_tester
from emocli.evaluation.evaluator import RunEvaluator as RunEvaluator
from emocli.evaluation.predictions import Corruptions as Corruptions
from emocli.evaluation.predictions import Predictions as Predictions
from emocli.metrics.statistics import cluster_bootstrap as cluster_bootstrap
from emocli.metrics.statistics import clustered as clustered
from emocli.metrics.statistics import interval_over as interval_over
from emocli.metrics.statistics import warnings as warnings
from emocli.models.losses import probabilities as probabilities
from emocli.plugin.network import Network as Network
from emocli.training.compute import deterministic_torch as deterministic_torch
from emocli.training.outputs import level as level
