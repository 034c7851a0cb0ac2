"""Sections of the page, a file each: see `emocli.pages.section`."""
