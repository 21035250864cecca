"""Solids: primitives, their boundaries by exact parametrisations, and set operations."""
