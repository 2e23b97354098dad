from app.observability.tracing import tracing

        await stack.enter_async_context(tracing(settings))
