"""The result of `fit`: fields as functions, answers to questions about them, pictures and files."""
