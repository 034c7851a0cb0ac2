"""Trained networks and baselines on clips they have not seen."""
