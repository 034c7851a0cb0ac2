"""Everything drawn: figures and pages."""
