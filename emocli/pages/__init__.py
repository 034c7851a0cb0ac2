"""The page of `emocli report`: what runs and experiments have written, on one page to send."""
