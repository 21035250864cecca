"""Time marching: one window after the other."""
