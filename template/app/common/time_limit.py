"""Time out slow requests; `time_limit(seconds)` sets the limit of a route."""

import asyncio
from typing import Any, Final

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.common.error_handlers import failure_response
from app.common.root_path import route_path
from app.core.errors import RequestTooSlow, ServiceUnavailable

MINIMUM_RATE: Final = 4096
"""Minimum rate of a request body in bytes per second, after the limit has passed."""

_LIMIT: Final = "app.time_limit"


class RequestTimedOut(ServiceUnavailable):
    """The request took longer than the limit."""


class TimeLimitMiddleware:
    """Cancels a request whose response has not started within the limit; it is rolled back.

    The time starts again when the body is complete. A body may take longer while it arrives fast
    enough. A started response, such as a download, has no limit. Health endpoints have their own.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope).startswith("/health/"):
            await self.app(scope, receive, send)
            return
        is_reading = False
        is_read = False
        has_begun = False

        async def receive_in_time() -> Message:
            nonlocal is_reading, is_read
            if is_read:
                return await receive()
            was_reading, is_reading = is_reading, True
            message = await receive()
            when = limit.when()
            if message.get("more_body", False):
                if when is not None:
                    limit.reschedule(when + len(message["body"]) / MINIMUM_RATE)
                return message
            is_reading, is_read = False, True
            if was_reading and when is not None:
                limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
            return message

        async def send_in_time(message: Message) -> None:
            nonlocal has_begun
            if not has_begun:
                has_begun = True
                if not limit.expired():
                    limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                scope[_LIMIT] = limit
                await self.app(scope, receive_in_time, send_in_time)
        except TimeoutError:
            if has_begun or not limit.expired():
                raise
            error = RequestTooSlow() if is_reading else RequestTimedOut()
            await failure_response(scope, error)(scope, receive, send)


def time_limit(seconds: float | None) -> Any:
    """Set the time limit of a route, None for no limit: `dependencies=[time_limit(300)]`.

    The time starts when the request body is complete.
    """

    async def set_limit(connection: HTTPConnection) -> None:
        limit: asyncio.Timeout | None = connection.scope.get(_LIMIT)
        if limit is not None:
            now = asyncio.get_running_loop().time()
            limit.reschedule(None if seconds is None else now + seconds)

    return Depends(set_limit)
