"""Small stages: making a manifest, aligning, the demo, and looking at what is there."""
