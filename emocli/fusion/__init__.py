"""One fusion network per file.

A module in ``emocli/fusion`` offers

``Config``
    the network's settings; the defaults are the paper's numbers;
``Model(dims, outputs, config)``
    a ``torch.nn.Module``: ``dims`` maps each modality to its width, ``outputs`` is the number of
    classes; ``Model.level`` is ``"clip"`` or ``"dialogue"``; ``forward(Batch) -> FusionOutput``;
    optionally ``loss(output, batch, base) -> Tensor``, where ``base`` is the loss that the training
    settings chose (`emocli.models.losses.BaseLoss`); ``set_task(task, loss)``, which is told before
    the first clip what the logits are to stand for; ``condense(clip_id, modality, values)``, what
    can be done to a clip's array (T, D) once and for all, since nothing in it is learnt: batches
    then come ``condensed``; ``oracle(output, batch)``, the weights of the modalities if the labels
    are known; ``unweighted``, the settings by which a prediction does without the weights that the
    output holds, if it does; ``remarks``, lines that a training should tell; and
    ``uniform(batch)``, the attention over the steps of each view that prefers nothing;
``PRESETS``
    ``literal``, ``paper`` and ``plus``: settings of the whole run (``{"network": {...},
    "train": {...}}``) laid over the defaults.
"""
