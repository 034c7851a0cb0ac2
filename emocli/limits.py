"""Upper limits of commands' numbers, without imports, so that the command line starts fast."""

MOST_SEED = 2**32 - 1
"""What NumPy and PyTorch both take."""
MOST_SEEDS = 1000
MOST_FOLDS = 1000
MOST_THREADS = 1024
MOST_WORKERS = 1024
MOST_EXAMPLES = 10_000
