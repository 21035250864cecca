"""Learning rates, fixed and from the kernel."""
