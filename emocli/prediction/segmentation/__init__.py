"""Recordings to segments: by transcript, speech or windows, with words and speakers."""
