"""What was not chosen leaves nothing behind; what was chosen is there."""

import re
from collections.abc import Callable

import pytest

from extensions.catalogue import Answers
from tests.matrix import Combination, Matrix

pytestmark = pytest.mark.render

# The words of each capability, and the answers of which any brings them.
WORDS: dict[str, tuple[str, Callable[[Answers], object]]] = {
    "database": (
        r"(?i:postgres|sqlalchemy|asyncpg|alembic|migrat|database)|\bDB_[A-Z]|\bSQL\b",
        lambda answers: answers["database"] != "none",
    ),
    "nats": (
        r"(?i:\bnats|jetstream)|app[./]worker|run_worker|[Tt]he worker\b",
        lambda answers: answers["task_queue"] != "none" or answers["events"] != "none",
    ),
    "tasks": (
        r"(?i:taskiq)|tasks?_broker|\bTASK_[A-Z]|NATS_STREAM|task_sender",
        lambda answers: answers["task_queue"] != "none",
    ),
    "events": (
        r"events?_broker|\bEVENT_[A-Z]|EventPublisher|BaseEvent|ExampleCreated|subscriber",
        lambda answers: answers["events"] != "none",
    ),
    "outbox": (
        r"(?i:outbox)",
        lambda answers: (
            answers["database"] != "none"
            and (answers["task_queue"] != "none" or answers["events"] != "none")
        ),
    ),
    "inbox": (
        r"(?i:\binbox)",
        lambda answers: answers["database"] != "none" and answers["events"] != "none",
    ),
    "storage": (
        r"(?i:\bs3\b|boto|\boss\b|bucket|minio|seaweed|attachment)|\b(S3|R2)_|\bSTORAGE\b",
        lambda answers: answers["storage"] != "none",
    ),
    "auth": (
        r"(?i:jwt|access.token)|\bALGORITHM\b|CurrentSubject|core[./]security",
        lambda answers: answers["auth"] != "none",
    ),
    "example": (
        r"features[./]example|/examples|\bExample[A-Z]",
        lambda answers: answers["example_module"],
    ),
    "docker": (
        r"(?i:docker)|\bcompose\b",
        lambda answers: answers["docker"],
    ),
    "ci": (
        r"(?i:github)",
        lambda answers: answers["ci"] != "none",
    ),
}

# These answers are recorded by their questions' names, whatever they are.
RECORDS = frozenset({".copier-answers.yml"})


def _mentions(matrix: Matrix, word: str) -> dict[tuple[str, str], str]:
    """Return, by path and digest, the first place of each file where a word of `word` stands."""
    pattern = re.compile(WORDS[word][0])
    places = {}
    for path, digest in {pair for service in matrix.services for pair in service.digests.items()}:
        if path in RECORDS:
            continue
        lines = [path, *matrix.contents[digest].decode().splitlines()]
        for number, line in enumerate(lines):
            if pattern.search(line):
                places[path, digest] = f"{path}:{number}: {line.strip()}"
                break
    return places


@pytest.mark.parametrize("capability", WORDS)
def test_what_was_not_chosen_leaves_no_word_behind(matrix: Matrix, capability: str) -> None:
    places = _mentions(matrix, capability)
    is_chosen = WORDS[capability][1]
    left = {
        places[pair]
        for service in matrix.services
        if not is_chosen(service.answers)
        for pair in service.digests.items()
        if pair in places
    }
    assert sorted(left) == []


@pytest.mark.parametrize("capability", WORDS)
def test_what_was_chosen_is_there(matrix: Matrix, capability: str) -> None:
    places = _mentions(matrix, capability)
    is_chosen = WORDS[capability][1]

    def mentions(service: Combination) -> bool:
        return any(pair in places for pair in service.digests.items())

    assert [str(service) for service in matrix.services if mentions(service)] == [
        str(service) for service in matrix.services if is_chosen(service.answers)
    ]
