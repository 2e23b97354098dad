"""Ends a start that failed with the sentence for the operator instead of a traceback."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.resource import StartupError


class StartupErrorMiddleware:
    """Tells the server why the lifespan could not begin, in one sentence.

    The framework would send the traceback as the reason, and the server would log it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        failure: Message | None = None

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self.app(scope, receive, hold_failure)
        except StartupError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        except BaseException:
            if failure is not None:
                await send(failure)
            raise
