"""Our own `turtle`: Python's would need a screen. A program's turtles draw into a picture that is shown as an image.

Programs import `face.py`, which lies in the image as turtle.py. See docs/decisions/0052-turtle.md.
"""
