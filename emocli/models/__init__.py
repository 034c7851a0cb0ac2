"""Run folders, encoder and text networks, losses, baselines."""
