"""Notes every function of app/ that runs, in each Python of a service's environment.

tests/test_attached.py puts this beside the service's packages, with a .pth file that imports it:
so the programs that tests start are seen as well, whatever their environment. Each function is
written down when it first runs, for a program may be killed.
"""

import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

RECORDED = Path(__file__).with_suffix(".txt")
APP = os.sep + "app" + os.sep
ROOT = str(Path(__file__).with_suffix(".root").read_text(encoding="utf-8"))

_seen: set[CodeType] = set()


def place(code: CodeType) -> str:
    """Return where a function of the service stands; two lambdas of a line are one."""
    path = Path(code.co_filename).relative_to(ROOT).as_posix()
    return f"{path}:{code.co_firstlineno}:{code.co_name}"


def _note(code: CodeType) -> None:
    if code in _seen:
        return
    _seen.add(code)
    if code.co_filename.startswith(ROOT + APP):
        with RECORDED.open("a", encoding="utf-8") as file:  # short lines are not mixed up
            file.write(f"{place(code)}\n")


def _on_call(frame: FrameType, _event: str, _argument: Any) -> None:
    """Return None, so that no line of the function is looked at."""
    _note(frame.f_code)


def record() -> None:
    """Note from now on what runs, at nearly no cost where Python has `sys.monitoring`."""
    if sys.version_info >= (3, 12):
        monitoring = sys.monitoring
        tool = monitoring.PROFILER_ID

        def on_start(code: CodeType, _offset: int) -> object:
            _note(code)
            return monitoring.DISABLE

        monitoring.use_tool_id(tool, "attached")
        monitoring.register_callback(tool, monitoring.events.PY_START, on_start)
        monitoring.set_events(tool, monitoring.events.PY_START)
    else:
        threading.settrace(_on_call)
        sys.settrace(_on_call)


record()
