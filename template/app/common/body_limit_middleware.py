"""Refuses bodies over the limit with the envelope that every other failure has."""

from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import Message, Receive, Scope, Send

from app.core.errors import PayloadTooLarge, failure_response


class BodyLimitMiddleware(RequestBodyLimitMiddleware):
    """Limits the body of every request; a route may set a `max_body_size` of its own.

    A body that is declared to be too large is not read. The framework would refuse it in plain
    text, and as the application's own `max_body_size` outside of all middleware, without a
    request id.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_refused = False

        async def send_envelope(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and message["status"] == 413:
                content_type = Headers(raw=message["headers"]).get("content-type", "")
                is_refused = content_type.startswith("text/plain")
                if is_refused:
                    await failure_response(scope, PayloadTooLarge())(scope, receive, send)
            if not is_refused:
                await send(message)

        await super().__call__(scope, receive, send_envelope)
