"""`uv run dev`, in a copy of the project."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.checks.health import ask_health

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_it_serves_the_api_with_settings_of_its_own(tmp_path: Path) -> None:
    for part in ("app", "devstack"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / ".env.example", tmp_path)
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-m", "devstack.cli", "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "APP_ENV": "development"},
    ) as dev:
        try:
            deadline = time.monotonic() + 30
            while not ask_health(HOST, port, "ready", timeout=1)[0]:
                assert dev.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert "change-me" not in (tmp_path / ".env.development").read_text()
            dev.send_signal(signal.SIGINT)
            assert dev.wait(timeout=15) == 0
        finally:
            dev.kill()
