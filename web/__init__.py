"""What every endpoint shares. Imports no app."""
