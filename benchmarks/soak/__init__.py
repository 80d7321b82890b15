"""`make soak`: the whole service under honest and hostile load."""
