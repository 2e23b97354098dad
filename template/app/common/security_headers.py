"""Security headers of every response."""

from typing import Final

from app.common.request_context import Headers

# A response is data: it is never a page, a script or a frame. A page of yours sets its own
# policy, which replaces this one; see app/common/docs_pages.py.
_POLICY: Final = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def security_headers(hsts_seconds: int) -> Headers:
    """Return the security headers of every response.

    Args:
        hsts_seconds: max-age of Strict-Transport-Security; 0 omits the header.
    """
    headers = [
        (b"content-security-policy", _POLICY),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
    ]
    if hsts_seconds:
        headers.append((b"strict-transport-security", b"max-age=%d" % hsts_seconds))
    return tuple(headers)
