"""Elliptic problems: equilibria, without time."""
