"""Ways to cut a recording into segments, a file each: see `emocli.plugin.segmentation`."""
