"""`nox -s bench`: how fast a rendered service is, beside one that was written by hand."""
