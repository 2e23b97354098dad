"""The errors of examples; each class has its status and its message."""

from app.core.errors import Conflict, NotFound, PreconditionFailed


class ExampleNotFound(NotFound):
    """No example has this id."""


class ExampleNameTaken(Conflict):
    """Another example has this name."""


class ExampleChanged(PreconditionFailed):
    """The example has changed since you read it; read it again."""
