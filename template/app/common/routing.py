"""Makes the routes of routers the application's own, where a request finds them at once."""

from collections.abc import Iterator
from copy import copy
from inspect import signature
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

_TAKEN_OVER: Final = signature(APIRouter.add_api_route).parameters.keys() - {
    "self",
    "form_limits",
    "route_class_override",
}


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Do what `app.include_router(router)` does, for a router that has others in it.

    FastAPI asks one router after the other whether it has the path, and these ask those in them:
    with fifty features that takes longer than the work itself. Here every route is asked once.

    The class of a router's routes holds for the routers in it, too. What is no plain route, such
    as a mount, comes after those that are, with all that was included beside it.
    """
    others: list[BaseRoute] = []
    for route in router.routes:
        if _is_plain(route):
            contexts = iter_route_contexts([route])
            classes = _route_classes([route], router.route_class)
            for context, route_class in zip(contexts, classes, strict=True):
                _add_route(app, context, route_class)
        else:
            others.append(route)
    rest = copy(router)  # with its lifespan
    rest.routes = others
    app.include_router(rest)


def _included(route: BaseRoute) -> APIRouter | None:
    """Return the router that `route` stands for, if it is no route."""
    return getattr(route, "original_router", None)


def _is_plain(route: BaseRoute) -> bool:
    """Return whether there is no more to including `route` than plain routes."""
    router = _included(route)
    if router is None:
        return isinstance(route, APIRoute)
    is_more = bool(router.form_limits or getattr(router, "_low_priority_routes", ()))
    return not is_more and all(map(_is_plain, router.routes))


def _route_classes(routes: list[BaseRoute], outer: type[APIRoute]) -> Iterator[type[APIRoute]]:
    """Yield the class of each plain route of `routes` and of the routers among them."""
    for route in routes:
        if router := _included(route):
            is_usual = router.route_class is APIRoute
            yield from _route_classes(router.routes, outer if is_usual else router.route_class)
        elif isinstance(route, APIRoute):
            yield outer if type(route) is APIRoute else type(route)


def _add_route(app: FastAPI, context: RouteContext, route_class: type[APIRoute]) -> None:
    original: Any = context.original_route
    options = {name: getattr(context, name) for name in _TAKEN_OVER}
    if context.stream_item_type is not None:
        del options["response_model"]  # FastAPI reads it off the function
    app.router.add_api_route(
        **options,
        form_limits=original.form_limits or None,
        route_class_override=route_class,
    )
