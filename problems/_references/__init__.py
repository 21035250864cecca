"""Numerical solutions, for reference solutions of problems."""
