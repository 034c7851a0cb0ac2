"""COVAREP's 74 acoustic features of speech, a row every 10 ms."""
