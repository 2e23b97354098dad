"""Asks a running API how it is. A container does so all the time, so little is imported for it."""

import http.client


def ask_health(host: str, port: int, probe: str, *, timeout: float) -> tuple[bool, str]:
    """Ask the API at `host` and `port` for `/health/<probe>`.

    Args:
        host: where it listens; the wildcard addresses stand for this machine.
        port: where it listens.
        probe: `live` or `ready`.
        timeout: seconds to wait for an answer.

    Returns:
        Whether it is healthy, and what it said.
    """
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not a bind)
    connection = http.client.HTTPConnection(target, port, timeout=timeout)
    try:
        connection.request("GET", f"/health/{probe}")
        response = connection.getresponse()
        return response.status == http.client.OK, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return False, f"The API at {target}:{port} does not answer: {error}."
    finally:
        connection.close()
