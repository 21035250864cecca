"""Loss weights: how much each condition, or each of its points, counts."""
