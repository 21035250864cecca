"""Traced equations as formulas, for people."""
