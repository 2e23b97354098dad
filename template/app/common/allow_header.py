"""The allowed methods of a path, across all routers."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Scope

from app.common.root_path import route_path


def allowed_methods(scope: Scope) -> list[str]:
    """Return the allowed methods for the path of this request, in alphabetical order.

    The framework only knows those of the first matching route.
    """
    methods = route_methods(scope)
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


def route_methods(scope: Scope) -> set[str]:
    """Return the methods that the routes for the path of this request declare."""
    app: FastAPI = scope["app"]
    path = route_path(scope)
    methods: set[str] = set()
    for context in iter_route_contexts(app.routes):
        if context.methods and context.path_regex.match(path):
            methods |= context.methods
    return methods
