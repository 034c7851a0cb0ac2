"""Training of fusion networks, encoders and text models, and the fit of the modality check."""
