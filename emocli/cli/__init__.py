"""The commands: parse, call a stage, show its result."""
