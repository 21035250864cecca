"""Hyperbolic and dispersive problems: transport and waves."""
