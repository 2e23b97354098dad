"""The command that makes a token for the API."""

import jwt
import pytest

from app.core.config import Settings
from tests.commands import run


@pytest.mark.usefixtures("environment")
def test_the_token_names_its_subject_and_ends_when_asked_to(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "token", "alice", "--minutes", "5")

    claims = jwt.decode(
        ended.output.strip(),
        settings.SECRET_KEY.get_secret_value(),
        algorithms=[settings.ALGORITHM],
    )
    assert claims["sub"] == "alice"
    assert claims["exp"] - claims["iat"] == 300
