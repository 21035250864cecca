"""Samplers: where the collocation points are placed."""
