"""What features declare is found wherever in their folders it stands."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest

from app.core.discovery import import_modules
from app.core.resource import StartupError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with a feature that has a folder of its own; `__main__` is a program."""
    folder = tmp_path / f"features_{uuid4().hex}"
    inner = folder / "orders" / "events"
    inner.mkdir(parents=True)
    for each in (folder, inner.parent, inner):
        (each / "__init__.py").touch()
    (inner / "handlers.py").touch()
    (folder / "orders" / "__main__.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    return import_module(folder.name)


def test_every_module_is_imported_wherever_it_stands(package: ModuleType) -> None:
    import_modules(package)
    assert f"{package.__name__}.orders.events.handlers" in sys.modules


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\nimport nowhere\n", r"ModuleNotFoundError: No module .*\(handlers.py, line 2\)"),
        ("1 +\n", r"SyntaxError: invalid syntax \(handlers.py, line 1\)"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_reason(
    package: ModuleType,
    text: str,
    reason: str,
) -> None:
    Path(package.__path__[0], "orders", "events", "handlers.py").write_text(text)
    with pytest.raises(StartupError, match=rf"orders\.events\.handlers cannot .*: {reason}\.$"):
        import_modules(package)
