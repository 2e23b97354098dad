"""What the tests of features share: their clients have an access token."""

import httpx2
import pytest

from app.common.security import create_access_token
from app.core.config import Settings


def sign_in(client: httpx2.AsyncClient, settings: Settings) -> httpx2.AsyncClient:
    """Send an access token with every request of `client`."""
    client.headers["Authorization"] = f"Bearer {create_access_token(settings, 'tester')}"
    return client


@pytest.fixture
def client(client: httpx2.AsyncClient, settings: Settings) -> httpx2.AsyncClient:
    """A client with an access token."""
    return sign_in(client, settings)
