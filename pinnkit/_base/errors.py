"""The errors of pinnkit. Whatever else is raised in it is a fault of pinnkit, or of code that it was given."""


class PinnkitError(Exception):
    """An invalid input; the message says in one line what is wrong and what to do."""


class InputError(PinnkitError, ValueError):
    """An argument has an invalid value."""


class InputTypeError(PinnkitError, TypeError):
    """An argument is of a type that does not belong there."""


class MissingPackageError(PinnkitError, ImportError):
    """An optional package is not installed; the message names the extra of pinnkit that includes it."""
