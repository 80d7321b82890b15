"""The whole service under honest and hostile load for as long as wanted: `make soak`."""
