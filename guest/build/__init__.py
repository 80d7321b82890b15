"""What builds the image, and is not part of it."""
