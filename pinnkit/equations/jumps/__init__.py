"""Expressions under a derivative that jump."""
