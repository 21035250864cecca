"""Why a fit stops."""

import enum


class StopReason(enum.StrEnum):
    """Why a fit stopped; the values are those in `summary.json`.

    - `SOLVED`: the validation loss is 1e-20 of its initial value or less, near the rounding error of double precision;
    - `CONVERGED`: the validation loss is negligible against its initial value, and more work does not pay;
    - `STALLED`: the validation loss stopped improving before that;
    - `BUDGET`: time ran out, or cut anything short: a wider network, time windows, a deep network, diagnostics;
    - `STEPS`: the given or default number of steps was taken;
    - `TARGET`: the validation loss reached `target`;
    - `INTERRUPTED`: a callback ended the fit, or Ctrl-C at a prompt or in a notebook;
    - `NOT_FINITE`: a value was inf or NaN; `Summary.stop_detail` says which one, where, and at which step.
    """

    SOLVED = "solved to rounding"
    CONVERGED = "converged"
    STALLED = "stalled"
    BUDGET = "time budget"
    STEPS = "step limit"
    TARGET = "target"
    INTERRUPTED = "interrupted"
    NOT_FINITE = "not finite"

    @property
    def phrase(self) -> str:
        """For a sentence such as "Stopped: time budget used up"."""
        return _PHRASES.get(self, self.value)


_PHRASES = {
    StopReason.STALLED: "no further improvement",
    StopReason.BUDGET: "time budget used up",
    StopReason.STEPS: "step limit reached",
    StopReason.TARGET: "target reached",
}
