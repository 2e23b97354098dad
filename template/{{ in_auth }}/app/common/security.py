"""Bearer tokens. `SIGNED_IN` or `CurrentSubject` on a route requires one."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import jwt
from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from app.core.config import Settings
from app.core.errors import Unauthorized, raises
from app.core.request_settings import SettingsDep, settings_of

CLOCK_LEEWAY: Final = 30
"""Tolerated clock skew between machines, in seconds."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SUBJECT: Final = "app.common.security.subject"  # the key in the request's scope

_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="An access token of this service.",
    auto_error=False,
)


class InvalidToken(Unauthorized):
    """A valid access token is needed: `Authorization: Bearer <token>`."""


def create_access_token(
    settings: Settings,
    subject: str,
    expires_in: timedelta | None = None,
) -> str:
    """Return a signed access token for `subject`.

    Args:
        settings: their `SECRET_KEY` and `ALGORITHM` sign it.
        subject: the subject, such as the id of a user.
        expires_in: its lifetime, by default `ACCESS_TOKEN_EXPIRE_MINUTES`.
    """
    if expires_in is None:
        expires_in = timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES)
    now = datetime.now(UTC)
    claims = {"sub": subject, "iat": now, "exp": now + expires_in}
    return jwt.encode(claims, settings.SECRET_KEY.get_secret_value(), settings.ALGORITHM)


@raises(InvalidToken)
async def current_subject(
    request: Request,
    settings: SettingsDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """Return the subject of the request's token; verified once per request.

    Raises:
        InvalidToken: there is no token, or it was altered, has expired or lacks a claim.
    """
    if _SUBJECT not in request.scope:
        request.scope[_SUBJECT] = _subject_of(credentials, settings)
    subject: str = request.scope[_SUBJECT]
    return subject


def _subject_of(credentials: HTTPAuthorizationCredentials | None, settings: Settings) -> str:
    if credentials is None:
        raise InvalidToken
    try:
        claims = jwt.decode(
            credentials.credentials,
            settings.SECRET_KEY.get_secret_value(),
            algorithms=[settings.ALGORITHM],
            leeway=CLOCK_LEEWAY,
            options={"require": ["exp", "iat", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        message = "This access token is invalid or has expired."
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise InvalidToken(message, headers=headers) from error
    subject: str = claims["sub"]
    return subject


CurrentSubject = Annotated[str, Depends(current_subject)]
SIGNED_IN: Final = Depends(current_subject)
"""For a route: `@router.post("", dependencies=[SIGNED_IN])`."""


def writes_signed_in(router: APIRouter) -> APIRouter:
    """Require a token on each route of `router` that changes something, and return `router`."""
    for route in router.routes:
        if isinstance(route, APIRoute) and not _SAFE.issuperset(route.methods or ()):
            route.dependencies.insert(0, SIGNED_IN)
    return router


class TokenFirstRouter(APIRouter):
    """Verifies the token of a request before its body is read, if the route requires one.

    FastAPI reads the whole body before it calls dependencies.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request for one of the routes."""
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            request = Request(scope)
            try:
                await current_subject(request, await settings_of(request), await _bearer(request))
            except InvalidToken:
                if _needs_token(scope):
                    raise
        await super().handle(scope, receive, send)


def _needs_token(scope: Scope) -> bool:
    for context in iter_route_contexts(scope["app"].routes):
        if isinstance(context.original_route, APIRoute) and context.matches(scope)[0] is Match.FULL:
            return _depends_on_token(context.dependant)
    return False


def _depends_on_token(dependant: Dependant) -> bool:
    return any(
        part.call is current_subject or _depends_on_token(part) for part in dependant.dependencies
    )
