"""Training of fusion networks, encoders and text models."""
