"""Inverse problems: coefficients and fields from data."""
