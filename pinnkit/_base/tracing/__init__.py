"""Reading, analysing and differentiating traced functions."""
