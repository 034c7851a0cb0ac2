"""Options of corruptions and repairs, at the address that the Python API names."""

from emocli.plugin.robustness import CLEAN, TRAINED, RepairOptions, RobustOptions

__all__ = ["CLEAN", "TRAINED", "RepairOptions", "RobustOptions"]
