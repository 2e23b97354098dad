"""How the tests talk to the API of examples."""

from typing import Any

import httpx2

EXAMPLES = "/api/v1/examples"


async def create(client: httpx2.AsyncClient, name: str, **fields: Any) -> dict[str, Any]:
    """Store an example and return it."""
    answer = await client.post(EXAMPLES, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    example: dict[str, Any] = answer.json()["data"]
    return example


async def names(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    """Return the names on one page."""
    answer = await client.get(EXAMPLES, params=query)
    assert answer.status_code == 200, answer.text
    return [example["name"] for example in answer.json()["data"]["items"]]
