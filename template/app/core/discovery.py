"""Import all modules of the features, which register their tasks, handlers and tables."""

import traceback
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from app.core.resource import StartupError


def import_modules(package: ModuleType) -> None:
    """Import every module below `package`.

    Raises:
        StartupError: a module cannot be imported; the text names it, the reason and the line.
    """
    for found in iter_modules(package.__path__, f"{package.__name__}."):
        if found.name.endswith(".__main__"):  # a program, which would run
            continue
        try:
            module = import_module(found.name)
        except Exception as error:
            raise StartupError(
                f"The module {found.name} cannot be imported: {type(error).__name__}: {error}"
                f"{_place(error)}.",
            ) from error
        if found.ispkg:
            import_modules(module)


def _place(error: Exception) -> str:
    """Return the file and line of `error` unless its text names them."""
    if isinstance(error, SyntaxError):
        return ""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)[1:]
        if not frame.filename.startswith("<frozen")
    ]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
