"""Tables of running sums, by which shares of a whole find their rows."""

from .charts import Numbers, namespace


def located(share: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
    """The row of a table that holds a share of the whole, and the share of the row before it.

    - `ends`: the running sums of the measures of the rows, of which the last is the whole.
    """
    xp = namespace(share)
    ends = xp.asarray(ends)
    at = share * ends[-1]
    row = xp.clip(xp.searchsorted(ends, at, side="right"), 0, len(ends) - 1)
    before = xp.where(row > 0, ends[xp.maximum(row - 1, 0)], 0.0)
    width = ends[row] - before
    return row, xp.clip((at - before) / xp.where(width > 0, width, 1.0), 0.0, 1.0)


def located_in_rows(share: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
    """As `located`, with a table of its own for each share: shape `(n, k)`."""
    xp = namespace(share)
    at = share * ends[:, -1]
    row = xp.minimum((ends <= at[:, None]).sum(axis=-1), ends.shape[1] - 1)
    own = lambda row: xp.take_along_axis(ends, row[:, None], axis=-1)[:, 0]
    before = xp.where(row > 0, own(xp.maximum(row - 1, 0)), 0.0)
    width = own(row) - before
    return row, xp.clip((at - before) / xp.where(width > 0, width, 1.0), 0.0, 1.0)
