"""Which methods an address takes, whichever router each of them is in."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Scope

from app.common.root_path import route_path


def allowed_methods(scope: Scope) -> list[str]:
    """Return the methods that the address of this request takes, in alphabetical order.

    The framework knows those of the first route there alone.
    """
    methods = route_methods(scope)
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


def route_methods(scope: Scope) -> set[str]:
    """Return the methods that the routes at the address of this request name."""
    app: FastAPI = scope["app"]
    path = route_path(scope)
    methods: set[str] = set()
    for context in iter_route_contexts(app.routes):
        if context.methods and context.path_regex.match(path):
            methods |= context.methods
    return methods
