"""What goes into the container image. Imports nothing of the project but `guest.protocol`."""
