"""Smoke tests with pytest-copie. It trusts the template; tests/test_trust.py does not."""

from pathlib import Path

import pytest
from pytest_copie.plugin import Copie

pytestmark = pytest.mark.render


@pytest.mark.parametrize("preset", ["standard", "minimal", "full"])
def test_a_preset_is_scaffolded(copie: Copie, template: Path, preset: str) -> None:
    result = copie.copy(extra_answers={"preset": preset}, template_dir=template)
    assert result.exception is None
    assert result.exit_code == 0
    assert result.project_dir is not None
    assert (result.project_dir / "app/main.py").is_file()
    assert result.answers["preset"] == preset
