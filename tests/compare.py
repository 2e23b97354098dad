"""Renders every combination at another commit and from the work tree, and says what differs.

`uv run nox -s compare -- main~3` is for a change of the template that must not change any service.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from extensions.proof.combinations import combinations
from extensions.proof.releases import READ_BY_COPIER
from tests.matrix import Matrix, render_matrix
from tests.rendering import ROOT


def main() -> int:
    """Compare with the commit that the first argument names; return 1 where anything differs."""
    ref = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "template")  # the same for both: services record where it is
        _unpack(ref, template)
        before = _every(template)
        shutil.rmtree(template)
        _copy_work_tree(template)
        after = _every(template)
    print(f"combinations: {len(before)} at {ref}, {len(after)} in the work tree")
    differing: dict[str, int] = {}
    for answers in before.keys() | after.keys():
        for path, _ in set(before.get(answers, {}).items()) ^ set(after.get(answers, {}).items()):
            differing[path] = differing.get(path, 0) + 1
    for path, count in sorted(differing.items()):
        print(f"  {path} differs in {count} combinations")
    files = sum(map(len, after.values()))
    print(f"files compared: {files}; paths that differ: {len(differing)}")
    return 1 if differing or before.keys() != after.keys() else 0


def _unpack(ref: str, folder: Path) -> None:
    archive = subprocess.run(["git", "archive", ref], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(folder, filter="data")


def _copy_work_tree(folder: Path) -> None:
    for name in READ_BY_COPIER:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def _every(template: Path) -> dict[str, dict[str, str]]:
    """Return the digest of each file by path, for each combination of answers."""
    matrix: Matrix = render_matrix(template, list(combinations(template)))
    return {repr(service): service.digests for service in matrix.services}


if __name__ == "__main__":
    sys.exit(main())
