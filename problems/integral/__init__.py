"""Integral and nonlocal conditions and equations."""
