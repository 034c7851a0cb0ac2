"""One file per part of the modality check: its model, pairs, anomalies, settings and file."""
