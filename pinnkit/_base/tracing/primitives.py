r"""What is known about the operations of JAX, by the names of its primitives.

Every property is a theorem about an operation on real numbers, whatever its parameters are; an operation that is not
listed simply has no known property. `tests/base/test_primitives.py` checks each entry against its definition.
"""

RESHAPING = frozenset("reshape squeeze broadcast_in_dim".split())
"""The entries of the operand in the same order, perhaps repeated along new axes."""

COPYING = frozenset("copy convert_element_type".split())
"""The operand itself. A conversion to whole numbers or truth values rounds and has none of these properties."""

MOVING = RESHAPING | frozenset("copy transpose rev slice split concatenate stack unstack tile pad".split())
"""Each entry of a result is an entry of an operand; shapes and parameters alone decide which one."""

LINEAR = MOVING | COPYING | frozenset("neg add sub add_any reduce_sum cumsum real imag".split())
"""Linear in all operands together: f(ax + by) = a f(x) + b f(y)."""

BILINEAR = frozenset("mul dot_general conv_general_dilated".split())
"""Linear in each of the two operands for a fixed other one."""

LINEAR_IN_FIRST = frozenset("div gather dynamic_slice".split())
"""Affine in the first operand for fixed other ones; linear but for values that `gather` fills in."""

ANALYTIC = frozenset(
    "neg add sub add_any mul div real imag integer_pow pow square sqrt rsqrt cbrt exp exp2 expm1 log log1p logistic "
    "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc erf_inv lgamma digamma".split()
)
"""Entry by entry an analytic function of the operands, away from its singularities: poles, roots of zero, and the
branch cut of `atan2`."""

JUMPING = frozenset("sign floor ceil round rem atan2".split())
"""Discontinuous between finite values: on a set of places that the operands can cross."""

SINGLE_POINTS = frozenset("eq ne".split())
"""Comparisons that change at single points only, not from one side to another."""
