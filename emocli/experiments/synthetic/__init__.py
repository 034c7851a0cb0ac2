"""Synthetic corpora: for the table of any experiment, clips and features that it can run on.

`corpus` draws dialogues and what all modalities of a clip share, `features` what each of them shows
of it, `twin` settles what a table needs and makes it. Nothing that is measured on such clips says
anything about people; it shows that every row of the table runs.
"""
