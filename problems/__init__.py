"""The built-in problems by kind, one a file, each with its reference solution."""
