"""Declare JetStream streams, and set them up without changing what other services rely on."""

from enum import Enum
from math import inf
from typing import Any, Final

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError, NotFoundError, ServerError

from app.core.config import SERVICE_NAME
from app.core.resource import StartupError

DEAD_LETTERS_STREAM: Final = SERVICE_NAME.replace("-", "_").upper() + "_DEAD"
DEAD_LETTERS_MAX_AGE: Final = 30 * 24 * 3600
"""Seconds."""

DUPLICATE_WINDOW: Final = 120
"""Seconds within which JetStream drops a message with the same Nats-Msg-Id."""

MAX_UNACKNOWLEDGED: Final = 10_000
"""Maximum number of unacknowledged messages of all workers together."""

_LASTING: Final = ("retention", "storage", "allow_msg_schedules")
"""Settings that an update cannot change, at least on an old server."""


class IncompatibleStream(StartupError):
    """A stream exists with settings that this service cannot use and that cannot be changed."""


def dead_letters_stream() -> StreamConfig:
    """Return the stream of messages that this service could not handle, with the reasons."""
    return StreamConfig(
        name=DEAD_LETTERS_STREAM,
        subjects=[dead_letter_subject(">")],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=DEAD_LETTERS_MAX_AGE,
        duplicate_window=DUPLICATE_WINDOW,
    )


def dead_letter_subject(kind: str) -> str:
    """Return the subject of dead letters of one kind; nothing subscribes to it."""
    return f"dead.{SERVICE_NAME}.{kind}"


def durable_consumer(name: str, subject: str, ack_wait: float) -> ConsumerConfig:
    """Return a consumer that several processes share, with explicit acknowledgment."""
    # The worker counts deliveries, and makes a message that came too often a dead letter.
    # With a limit here, JetStream would silently stop delivering it.
    return ConsumerConfig(
        name=name,
        durable_name=name,
        filter_subject=subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=MAX_UNACKNOWLEDGED,
    )


async def ensure_stream(js: JetStreamContext, wanted: StreamConfig) -> str:
    """Create a stream, or add what it lacks. All other settings stay as they are.

    Returns:
        A sentence about the stream.

    Raises:
        IncompatibleStream: it differs in a setting that cannot be changed; the text names it.
        nats.errors.Error: JetStream does not respond.
    """
    try:
        found = (await js.stream_info(str(wanted.name))).config
    except NotFoundError:
        try:
            found = (await js.add_stream(wanted)).config
        except (BadRequestError, ServerError) as error:
            raise IncompatibleStream(
                f"The stream {wanted.name} cannot be created: {error.description}.",
            ) from error
        _require_same(found, wanted, "this server does not know that setting; update it")
        return f"The stream {wanted.name} was created."
    differences = _differences(found, wanted)
    if not differences:
        return f"The stream {wanted.name} is as declared."
    try:
        changed = (await js.update_stream(found.evolve(**differences))).config
    except (BadRequestError, ServerError) as error:
        _require_same(found, wanted, str(error.description))
        raise
    _require_same(changed, wanted, "this server does not know that setting; update it")
    return f"The stream {wanted.name} was changed: {', '.join(differences)}."


def _differences(found: StreamConfig, wanted: StreamConfig) -> dict[str, Any]:
    """Return the settings of `found` that have to change, with their new values.

    A stream may belong to several services: their subjects stay, and so do limits that satisfy
    this service, such as a longer retention.
    """
    differences: dict[str, Any] = {}
    subjects = _with_subjects(found.subjects or [], wanted.subjects or [])
    if subjects != (found.subjects or []):
        differences["subjects"] = subjects
    for name in _LASTING:
        value = getattr(wanted, name)
        if value is not None and getattr(found, name) != value:
            differences[name] = value
    if (found.max_age or inf) < (wanted.max_age or inf):  # 0: unlimited
        differences["max_age"] = wanted.max_age
    if found.duplicate_window < wanted.duplicate_window:
        differences["duplicate_window"] = wanted.duplicate_window
    return differences


def _with_subjects(found: list[str], wanted: list[str]) -> list[str]:
    """Return `found` with those of `wanted` that it does not cover: overlaps are not allowed."""
    missing = [each for each in wanted if not any(covers(own, each) for own in found)]
    kept = [own for own in found if not any(covers(each, own) for each in missing)]
    return [*kept, *missing]


def covers(pattern: str, subject: str) -> bool:
    """Return whether `pattern` matches every subject that `subject`, a pattern too, matches."""
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted = wanted[:-1]
        if len(given) <= len(wanted):
            return False
        given = given[: len(wanted)]
    elif given[-1] == ">":
        return False
    return len(given) == len(wanted) and all(
        one == "*" or one == other for one, other in zip(wanted, given, strict=True)
    )


def require_usable(found: StreamConfig, wanted: StreamConfig) -> None:
    """Raise IncompatibleStream if `found` differs from `wanted` in a setting that cannot change.

    Other differences are accepted: another release of this service may have made them.
    """
    differences = _differences(found, wanted)
    lasting = {name: value for name, value in differences.items() if name in _LASTING}
    _refuse(found, wanted, lasting, "that cannot be changed")


def _require_same(found: StreamConfig, wanted: StreamConfig, reason: str) -> None:
    _refuse(found, wanted, _differences(found, wanted), reason)


def _refuse(
    found: StreamConfig,
    wanted: StreamConfig,
    differences: dict[str, Any],
    reason: str,
) -> None:
    if differences:
        details = ", ".join(
            f"{name} is {_text(getattr(found, name))} and should be {_text(value)}"
            for name, value in differences.items()
        )
        raise IncompatibleStream(
            f"The stream {wanted.name} cannot be used: {details} ({reason}). "
            "Delete the stream, which loses its messages, or use another NATS server.",
        )


def _text(value: object) -> object:
    return value.value if isinstance(value, Enum) else value
