"""The training loop: state, step, phases, schedule."""
