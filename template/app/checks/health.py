"""Ask a running API for its health. Container health checks run this often: import little."""

import http.client


def ask_health(host: str, port: int, probe: str, *, timeout: float) -> tuple[bool, str]:
    """Ask the API at `host` and `port` for `/health/<probe>`.

    Args:
        host: where it listens; the wildcard addresses stand for this machine.
        port: where it listens.
        probe: `live` or `ready`.
        timeout: seconds to wait for the response.

    Returns:
        Whether it is healthy, and the body of the response or the error.
    """
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not a bind)
    connection = http.client.HTTPConnection(target, port, timeout=timeout)
    try:
        connection.request("GET", f"/health/{probe}")
        response = connection.getresponse()
        return response.status == http.client.OK, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return False, f"The API at {target}:{port} is unreachable: {error}."
    finally:
        connection.close()
