"""Liveness and readiness, for orchestrators, load balancers and the command line."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from loguru import logger
from pydantic import BaseModel, Field

from app.common.response_envelope import skip_envelope, without_envelope
from app.core.request_settings import SettingsDep
from app.core.resource import Resource


@dataclass(frozen=True, slots=True)
class ResourceReport:
    """What the check of one resource found.

    Attributes:
        name: the resource's name.
        required: whether readiness depends on it.
        healthy: whether it answered as it should.
        latency_ms: how long the check took, in milliseconds.
        detail: what it found, or why it failed in general words; fit for the public.
        error: the exception's text, which may name hosts; for logs and operators only.
    """

    name: str
    required: bool
    healthy: bool
    latency_ms: float
    detail: str
    error: str | None = None


async def check_resources(
    resources: Sequence[Resource[Any]],
    handles: Mapping[str, Any],
    timeout: float,  # noqa: ASYNC109  # one limit for each
) -> list[ResourceReport]:
    """Check every resource at once, each within `timeout` seconds.

    `handles` are what `open_resources` yields; a resource without one counts as failed.
    """
    return await asyncio.gather(*(_check(resource, handles, timeout) for resource in resources))


async def _check(
    resource: Resource[Any],
    handles: Mapping[str, Any],
    seconds: float,
) -> ResourceReport:
    start = time.perf_counter()
    error = None
    try:
        async with asyncio.timeout(seconds):
            detail = await resource.check(handles[resource.name])
    except TimeoutError:
        detail = error = f"does not answer within {seconds:g} s"
    except Exception as failure:  # whatever a client library raises means the same here
        detail, error = "does not answer as it should", f"{type(failure).__name__}: {failure}"
    return ResourceReport(
        name=resource.name,
        required=resource.required,
        healthy=error is None,
        latency_ms=round((time.perf_counter() - start) * 1000, 2),
        detail=detail,
        error=error,
    )


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ResourceStatus(BaseModel):
    """How one resource is."""

    status: Literal["up", "down"]
    required: bool = Field(description="Whether readiness depends on it.")
    latency_ms: float = Field(description="How long the check took, in milliseconds.")
    detail: str


class Readiness(BaseModel):
    """Whether requests can be served."""

    status: Literal["ready", "not ready"]
    resources: dict[str, ResourceStatus]


_ALIVE: Final = Liveness().model_dump_json().encode()

router = APIRouter(
    prefix="/health",
    tags=["health"],
    dependencies=[Depends(without_envelope)],
)


class DirectRoute(APIRoute):
    """A route whose function makes the response from the request itself; nothing is injected."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function."""
        return self.endpoint


async def live(request: Request) -> Response:
    """Tell that the process runs; it looks at nothing else."""
    skip_envelope(request.scope)
    return Response(_ALIVE, media_type="application/json")


router.add_api_route("/live", live, response_model=Liveness, route_class_override=DirectRoute)


@router.get("/ready", responses={503: {"model": Readiness, "description": "Not ready."}})
async def ready(request: Request, response: Response, settings: SettingsDep) -> Readiness:
    """Check every resource; 503 while one that is needed does not answer."""
    state = request.app.state
    reports = await check_resources(state.inventory, state.resources, settings.HEALTH_TIMEOUT)
    _log_changes(state, reports)
    is_ready = all(report.healthy for report in reports if report.required)
    if not is_ready:
        response.status_code = 503
    return Readiness(
        status="ready" if is_ready else "not ready",
        resources={
            report.name: ResourceStatus(
                status="up" if report.healthy else "down",
                required=report.required,
                latency_ms=report.latency_ms,
                detail=report.detail,
            )
            for report in reports
        },
    )


def _log_changes(state: Any, reports: list[ResourceReport]) -> None:
    """Log what went down or came back since the last look, once and not at every probe."""
    down = {report.name for report in reports if not report.healthy}
    known: set[str] = getattr(state, "resources_down", set())
    state.resources_down = down
    for report in reports:
        if report.name in down - known:
            logger.error("Resource {} is down: {}", report.name, report.error)
        elif report.name in known - down:
            logger.info("Resource {} is up again: {}", report.name, report.detail)
