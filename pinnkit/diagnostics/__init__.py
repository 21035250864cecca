"""What the kernel, validation points and smooth perturbations say about a solution."""
