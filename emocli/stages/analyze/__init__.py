"""Analyses of trained runs, one per file: data and figures into ``RUN/reports/``."""
