"""Whether the conditions determine the solution, as data."""

import msgspec


class Determinacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the conditions determine the solution (see `pinnkit.determinacy`).

    - `freedoms`: changes of the solution that no residual answers to, in words; none if it is determined;
    - `directions`, `degree`: smooth changes of fields and coefficients that were tried, and their total degree;
    - `least_seen`: the least answer of the residuals to a change, freedoms aside, where smooth changes have about 1;
    - `distance`: per field, the smooth change, over the spread of the field, that would remove what is smooth of the
      residual. An estimate of the smooth part of the error.
    """

    freedoms: list[str]
    directions: int
    degree: int
    least_seen: float
    distance: dict[str, float]
