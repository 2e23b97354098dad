"""Refuses bodies over the limit with the envelope that every other failure has."""

from starlette.middleware.body_limit import RequestBodyLimitMiddleware, RequestBodyLimitResponder
from starlette.types import Message, Receive, Scope, Send


class BodyLimitMiddleware(RequestBodyLimitMiddleware):
    """Limits the body of every request; a route may set a `max_body_size` of its own.

    A body that is declared to be too large is not read. Whoever wants to read it gets the error
    that the error handlers answer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Responder(self.app, self.max_body_size)(scope, receive, send)


class _Responder(RequestBodyLimitResponder):
    async def send_with_limit(self, message: Message) -> None:
        # The framework's own puts a plain text in the place of whatever is answered to a request
        # whose body is declared to be too large.
        if message["type"] == "http.response.start":
            self.response_started = True
        await self.send(message)
