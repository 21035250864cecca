"""Random features with a linear solve for the output layer."""
