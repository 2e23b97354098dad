"""What can go wrong with an example; each class carries its status and its sentence."""

from app.core.errors import Conflict, NotFound, PreconditionFailed


class ExampleNotFound(NotFound):
    """No example has this id."""


class ExampleNameTaken(Conflict):
    """Another example has this name."""


class ExampleChanged(PreconditionFailed):
    """The example has changed since you read it; read it again."""
