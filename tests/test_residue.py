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
        r"postgres|sqlalchemy|asyncpg|alembic|migrat|\bDB_[A-Z]|DATABASE_URL|\bSQL\b|database",
        lambda answers: answers["database"] != "none",
    ),
    "nats": (
        r"\bnats|jetstream|\bworker\b",
        lambda answers: answers["task_queue"] != "none" or answers["events"] != "none",
    ),
    "tasks": (
        r"taskiq|tasks?_broker|\bTASK_[A-Z]|NATS_STREAM|task_sender",
        lambda answers: answers["task_queue"] != "none",
    ),
    "events": (
        r"events?_broker|\bEVENT_[A-Z]|EventPublisher|BaseEvent|ExampleCreated|subscriber",
        lambda answers: answers["events"] != "none",
    ),
    "outbox": (
        r"outbox",
        lambda answers: (
            answers["database"] != "none"
            and (answers["task_queue"] != "none" or answers["events"] != "none")
        ),
    ),
    "inbox": (
        r"\binbox",
        lambda answers: answers["database"] != "none" and answers["events"] != "none",
    ),
    "storage": (
        r"\bs3\b|\bS3_[A-Z]|boto|\boss\b|bucket|minio|\bR2_|seaweed|attachment|\bstorage",
        lambda answers: answers["storage"] != "none",
    ),
    "auth": (
        r"\bjwt\b|pyjwt|\bALGORITHM\b|ACCESS_TOKEN|access token|CurrentSubject|core\.security",
        lambda answers: answers["auth"] != "none",
    ),
    "example": (
        r"features[./]example|/examples|\bExample[A-Z]|test_examples",
        lambda answers: answers["example_module"],
    ),
    "docker": (
        r"dockerfile|\bdocker\b|compose",
        lambda answers: answers["docker"],
    ),
    "ci": (
        r"github|\bCI\b",
        lambda answers: answers["ci"] != "none",
    ),
}

# These answers are recorded by their questions' names, whatever they are.
RECORDS = frozenset({".copier-answers.yml"})


def _mentions(matrix: Matrix, word: str) -> dict[tuple[str, str], str]:
    """Return, by path and digest, the first place of each file where a word of `word` stands."""
    pattern = re.compile(WORDS[word][0], re.IGNORECASE)
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
