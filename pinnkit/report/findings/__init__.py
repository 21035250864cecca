"""Findings: rules that interpret the figures of a run."""
