"""Reject request bodies over the limit, with the failure envelope."""

from starlette.middleware.body_limit import RequestBodyLimitMiddleware, RequestBodyLimitResponder
from starlette.types import Message, Receive, Scope, Send


class BodyLimitMiddleware(RequestBodyLimitMiddleware):
    """Limits the body of every request; a route may set a `max_body_size` of its own.

    A body whose Content-Length is over the limit is not read: reading it raises the error that the
    error handlers turn into a response.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Responder(self.app, self.max_body_size)(scope, receive, send)


class _Responder(RequestBodyLimitResponder):
    async def send_with_limit(self, message: Message) -> None:
        # The framework's own replaces any response to a request with a too large Content-Length by
        # plain text.
        if message["type"] == "http.response.start":
            self.response_started = True
        await self.send(message)
