"""How a tangent kernel is computed without a Jacobian: the gradients of a residual in factors."""
