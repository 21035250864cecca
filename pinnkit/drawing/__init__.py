"""The style of all pictures, pictures as objects, and the curves of a run."""
