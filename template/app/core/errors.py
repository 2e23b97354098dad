"""Domain errors, each with its HTTP status."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class DomainError(Exception):
    """The request cannot be served."""

    # A subclass is a documented failure: its name becomes the `error` of the response
    # (BookNotFound: book_not_found) and its docstring's first paragraph the message.

    status: ClassVar[int] = 400
    code: ClassVar[str] = "domain_error"
    default_message: ClassVar[str] = "The request cannot be served."

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?<![A-Z])(?=[A-Z])", "_", cls.__name__).lower()
        if cls.__doc__:
            cls.default_message = " ".join(cls.__doc__.strip().split("\n\n")[0].split())

    def __init__(
        self,
        message: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.headers = headers
        super().__init__(self.message)


class BadRequest(DomainError):
    """The request cannot be read."""


class Unauthorized(DomainError):
    """Valid credentials are needed."""

    status = 401

    def __init__(
        self,
        message: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer", **(headers or {})})


class Forbidden(DomainError):
    """These credentials do not allow this."""

    status = 403


class NotFound(DomainError):
    """There is nothing at this path."""

    status = 404


class RequestTooSlow(DomainError):
    """The request body arrives too slowly."""

    status = 408

    def __init__(self) -> None:
        super().__init__(headers={"Connection": "close"})  # the rest of it may still come


class Conflict(DomainError):
    """The request conflicts with the current state."""

    status = 409


class PreconditionFailed(DomainError):
    """The object has changed in the meantime."""

    status = 412


class PayloadTooLarge(DomainError):
    """The body is larger than what is accepted."""

    status = 413


class UnsupportedMedia(DomainError):
    """The body is of a type that is not accepted."""

    status = 415


class Unprocessable(DomainError):
    """The request is understood, but cannot be carried out."""

    status = 422


class PreconditionRequired(DomainError):
    """The request must name the version that it changes."""

    status = 428


class ServiceUnavailable(DomainError):
    """A required service is unavailable at the moment."""

    status = 503

    def __init__(self, message: str | None = None, *, retry_after: int = 5) -> None:
        """`retry_after`: seconds after which the caller may try again."""
        super().__init__(message, headers={"Retry-After": str(retry_after)})


def raises(*errors: type[DomainError]) -> Callable[[F], F]:
    """Document the errors of a handler or a dependency: `@raises(BookNotFound)` above its `def`.

    The OpenAPI document has them at every route that calls it.
    """

    def declare(function: F) -> F:
        vars(function)["raises"] = errors
        return function

    return declare
