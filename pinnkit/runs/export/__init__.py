"""Runs and fields in the formats of other tools."""
