"""Parabolic problems: diffusion and reaction."""
