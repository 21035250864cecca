"""Flows: the Navier-Stokes equations and their relatives."""
