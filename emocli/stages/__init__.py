"""The pipeline, a function per stage: typed settings and paths in, one artefact out, no printing."""
