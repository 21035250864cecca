"""Linear systems, least squares and eigenvalues."""
