"""One protocol per file: which modalities of which clips are corrupted, and how."""
