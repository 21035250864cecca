"""Learning rates: constant ones, and those from the kernel."""
