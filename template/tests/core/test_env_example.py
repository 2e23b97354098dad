"""`.env.example` lists what the settings are, no more and no less."""

import re
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.core.config import Settings, load_settings

EXAMPLE = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")


def names(prefix: str) -> list[str]:
    """Return the variables on the lines that begin with `prefix`, a regular expression."""
    return re.findall(rf"(?m)^{prefix}([A-Z][A-Z0-9_]*)=", EXAMPLE)


@pytest.fixture
def everything_in_it(environment: pytest.MonkeyPatch) -> Settings:
    """The settings that one has who sets every line of it, also those commented out."""
    for name in Settings.model_fields:
        environment.delenv(name, raising=False)
    lines = re.sub(r"(?m)^# (?=[A-Z][A-Z0-9_]*=)", "", EXAMPLE)
    # As variables: in a file, ${NAME} would stand for the variable NAME.
    for name, value in dotenv_values(stream=StringIO(lines), interpolate=False).items():
        environment.setenv(name, value or "")
    return load_settings()


def test_every_setting_is_listed_and_nothing_else() -> None:
    assert sorted(names("(?:# )?")) == sorted(Settings.model_fields)


def test_each_value_is_one_that_the_settings_take(everything_in_it: Settings) -> None:
    assert everything_in_it.model_fields_set == set(Settings.model_fields)


def test_a_line_commented_out_shows_the_default_where_there_is_one(
    everything_in_it: Settings,
) -> None:
    defaults = {
        name: Settings.model_fields[name].get_default(call_default_factory=True)
        for name in names("# ")
        if not Settings.model_fields[name].is_required()
    }

    assert {
        name: getattr(everything_in_it, name)
        for name, default in defaults.items()
        if default not in (None, [], getattr(everything_in_it, name))
    } == {}
