"""Prints the output of the commands: in characters of the terminal, for as long as it is read."""

import codecs
import io
import os
import sys

PLAIN = {"→": "->", "…": "..."}


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that the terminal's encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = [
        PLAIN.get(character, ascii(character)[1:-1])
        for character in error.object[error.start : error.end]
    ]
    return "".join(shown), error.end


def print_plainly() -> None:
    """Never fail at a character that the terminal cannot show, or that is no character at all."""
    codecs.register_error(__name__, _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=__name__)


def say_no_more() -> None:
    """Write to nobody, after a BrokenPipeError as of `| head`: Python would say so at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
