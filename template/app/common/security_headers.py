"""What every answer tells browsers, so that nothing of the API can be abused in a page."""

from typing import Final

from app.common.request_context import Headers

# An answer is data: no page, nothing to be run or to be shown in another page. A page of your own
# brings a policy of its own, as those in app/common/docs_pages.py do, which takes this one's place.
_POLICY: Final = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def security_headers(hsts_seconds: int) -> Headers:
    """Return the headers of every answer.

    Args:
        hsts_seconds: how long browsers shall use HTTPS alone; 0 to say nothing of that.
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
