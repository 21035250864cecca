"""Tests of `pinnkit.checking`."""
