"""Residuals of a problem on points, their loss and their linearization."""
