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
    """The result of the check of one resource.

    Attributes:
        name: the resource's name.
        required: whether readiness depends on it.
        healthy: whether the check passed.
        latency_ms: how long the check took, in milliseconds.
        detail: the result, or why it failed in general words; safe to publish.
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
    timeout: float,  # noqa: ASYNC109  # per resource
) -> list[ResourceReport]:
    """Check all resources concurrently, each within `timeout` seconds.

    `handles` is what `open_resources` yields; a resource without a handle counts as failed.
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
        detail = error = f"no response within {seconds:g} s"
    except Exception as failure:  # any error of a client library means unhealthy
        detail, error = "the check failed", f"{type(failure).__name__}: {failure}"
    return ResourceReport(
        name=resource.name,
        required=resource.required,
        healthy=error is None,
        latency_ms=round((time.perf_counter() - start) * 1000, 2),
        detail=detail,
        error=error,
    )


class Liveness(BaseModel):
    """The process is running."""

    status: Literal["alive"] = "alive"


class ResourceStatus(BaseModel):
    """The state of one resource."""

    status: Literal["up", "down"]
    required: bool = Field(description="Whether readiness depends on it.")
    latency_ms: float = Field(description="How long the check took, in milliseconds.")
    detail: str


class Readiness(BaseModel):
    """Whether the service can serve requests."""

    status: Literal["ready", "not ready"]
    resources: dict[str, ResourceStatus]


_ALIVE: Final = Liveness().model_dump_json().encode()

router = APIRouter(
    prefix="/health",
    tags=["health"],
    dependencies=[Depends(without_envelope)],
)


class DirectRoute(APIRoute):
    """A route whose function takes the request and returns the response, without injection."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function."""
        return self.endpoint


async def live(request: Request) -> Response:
    """Report that the process is running, without checking anything else."""
    skip_envelope(request.scope)
    return Response(_ALIVE, media_type="application/json")


router.add_api_route("/live", live, response_model=Liveness, route_class_override=DirectRoute)


@router.get("/ready", responses={503: {"model": Readiness, "description": "Not ready."}})
async def ready(request: Request, response: Response, settings: SettingsDep) -> Readiness:
    """Check every resource; 503 while a required one is unavailable."""
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
    """Log a resource that went down or recovered, once and not at every probe."""
    down = {report.name for report in reports if not report.healthy}
    known: set[str] = getattr(state, "resources_down", set())
    state.resources_down = down
    for report in reports:
        if report.name in down - known:
            logger.error("Resource {} is down: {}", report.name, report.error)
        elif report.name in known - down:
            logger.info("Resource {} is up again: {}", report.name, report.detail)
