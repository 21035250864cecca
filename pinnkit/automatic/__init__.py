"""The automatic procedure: random features, time marching, and the choice between candidates."""
