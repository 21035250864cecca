"""A problem examined before anything is fitted: its parts, its points, its reference, and what looks wrong."""
