"""The interface of plug-ins: one module for each kind, with its types, bases and helpers.

=========== ============================ ==========================================================
kind        module                       a plug-in offers
=========== ============================ ==========================================================
datasets    `emocli.plugin.dataset`      ``Config``, ``build``
features    `emocli.plugin.feature`      ``MODALITY``, ``PER_CLIP``, ``Config``, ``prepare``;
                                         `emocli.plugin.encoder` has the kinds of encoders
formats     `emocli.plugin.format`       ``MODALITY``, ``Config``
corruptions `emocli.plugin.corruption`   ``Config``, which is called with an array
protocols   `emocli.plugin.protocol`     ``Config``, which draws corruptions
fusion      `emocli.plugin.network`      ``Config``, ``Model``, ``PRESETS``; `emocli.plugin.layers`
                                         has encoders and decoders
experiments `emocli.plugin.experiment`   ``Config``, ``table``; `emocli.plugin.robustness` has
                                         corruptions and repairs of its rows and conditions
analyses    `emocli.plugin.analysis`     ``Options``, ``measure``; `emocli.plugin.analysis.networks`
                                         has networks to read, `emocli.plugin.analysis.drawing`
                                         figures and sections of pages
ways        `emocli.plugin.segmentation` ``Config``, ``cut``
transcripts `emocli.plugin.transcript`   ``SUFFIXES``, ``BESIDE``, ``HAS_TIERS``, ``read``
writers     `emocli.plugin.writer`       ``SUFFIX``, ``write``
models      `emocli.plugin.model`        ``MODEL``
commands    `emocli.plugin.command`      ``COMMAND``
=========== ============================ ==========================================================

The kind is the name of the entry-point group: ``emocli.fusion``, ``emocli.experiments``.

A plug-in is a module whose docstring says in its first line what it is and, in a paragraph that
begins with ``Source:``, where it comes from. It is a file in emocli's own folder of that kind
(`emocli.plugins.KINDS`), or in an installed package that names it in its ``pyproject.toml``::

    [project.entry-points."emocli.fusion"]
    mean = "my_package.mean"

Every ``Config`` is a subclass of `emocli.config.Settings` whose docstring explains each setting.
Besides these a plug-in may import `emocli`, `emocli.config` and `emocli.errors`, and a command
`emocli.cli.options` and `emocli.cli.show`. Nothing with an underscore is part of the interface.
``import emocli.plugin`` loads none of this; the modules of networks load PyTorch.
"""
