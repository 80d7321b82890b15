"""`make corpora`: programs that others wrote, run by the service and by the same Python without it."""
