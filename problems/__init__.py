"""The built-in problems, one a file, each with its reference solution."""
