"""Training of encoders: of pictures of sound, faces and scenes, by kind, and of text."""
