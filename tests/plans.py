"""What `plan-update` prints, read section by section."""

import re


def section(said: str, title: str) -> list[str]:
    """Return the lines of the section of a plan whose heading begins with `title`."""
    found = re.search(rf"^{re.escape(title)}.* \(\d+\)\n((?:  .*\n)+)", said, re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []
