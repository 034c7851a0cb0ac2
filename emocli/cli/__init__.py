"""The commands: read the arguments, call the function that does the work, show its result."""

INTERRUPTED = 130
"""Exit code of Ctrl-C and SIGTERM."""

RESUMES = "interrupted; the same command resumes\n"
