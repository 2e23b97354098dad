"""The pages /docs and /redoc without the internet."""

import re

import pytest
from fastapi import FastAPI

from app.common.docs_pages import add_docs_pages
from tests.asgi import client_of


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_a_page_brings_all_that_it_loads(path: str) -> None:
    app = FastAPI(title="Books & <more>", docs_url=None, redoc_url=None)
    add_docs_pages(app)

    async with client_of(app) as client:
        page = await client.get(path)
        addresses = re.findall(r'(?:src|href|spec-url)="([^"]+)"', page.text)
        responses = [await client.get(f"/{address}") for address in addresses]

    assert page.status_code == 200
    assert "Books &amp; &lt;more&gt;" in page.text
    assert len(addresses) >= 3
    assert {response.status_code for response in responses} == {200}
    assert "://" not in page.text


async def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    add_docs_pages(app)

    async with client_of(app) as client:
        page = await client.get("/docs")

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
