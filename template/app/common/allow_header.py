"""Which methods an address takes, whichever router each of them is in."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Scope


def allowed_methods(scope: Scope) -> list[str]:
    """Return the methods that the address of this request takes, in alphabetical order.

    The framework knows those of the first route there alone.
    """
    app: FastAPI = scope["app"]
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    methods: set[str] = set()
    for context in iter_route_contexts(app.routes):
        if context.methods and context.path_regex.match(path):
            methods |= context.methods
    return sorted(methods)
