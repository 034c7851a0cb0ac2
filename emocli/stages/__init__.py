"""The pipeline, a function per stage: settings and paths in, one artefact out, no printing."""
