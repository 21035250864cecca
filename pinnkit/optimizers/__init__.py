"""Optimizers that use the kernel or curvature, as optax transformations."""
