"""What must hold before, and while, programs are run."""
