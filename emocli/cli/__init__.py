"""The commands: read the arguments, call the function that does the work, show its result."""
