"""Elasticity: beams, plates and solids."""
