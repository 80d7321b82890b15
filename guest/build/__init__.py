"""Scripts that run while the image is built, and are not part of it."""
