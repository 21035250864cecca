"""Fields, their derivatives, conditions and problems."""
