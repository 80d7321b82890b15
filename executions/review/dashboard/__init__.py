"""The figures and charts on the first page of the admin."""
