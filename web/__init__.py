"""What every endpoint shares. Imports no other app."""
