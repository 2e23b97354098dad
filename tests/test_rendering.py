"""What is rendered in this process is what a person gets from the command, byte for byte."""

from pathlib import Path

import pytest

from extensions.commands.catalogue import CUSTOM, Answers, everything_off
from extensions.commands.rendering import rendered
from extensions.proof.combinations import array
from extensions.proof.rendering import files, render
from tests.rendering import differing, run_copier

pytestmark = pytest.mark.render

RANDOM = ".env.development"


def test_the_command_writes_what_is_rendered_in_this_process(
    template: Path, tmp_path: Path
) -> None:
    """Over an array of pairs, since each template reads few of the answers."""
    for number, answers in enumerate(array(template, 2)):
        given: Answers = {"preset": CUSTOM, **answers}
        data = [part for name, answer in given.items() for part in ("-d", f"{name}={answer}")]
        folder = tmp_path / str(number)
        done = run_copier(
            *("copy", "--defaults", "--quiet", *data, str(template), str(folder)),
            folder=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        written = files(folder)
        service = rendered(template, given)
        assert differing(service.files, written) == {RANDOM}
        folders = {
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir()
        }
        assert service.folders == folders


def test_it_can_be_written_as_well(template: Path, tmp_path: Path) -> None:
    off = everything_off(template)
    written = files(render(template, tmp_path / "service", off))
    assert differing(rendered(template, off).files, written) <= {RANDOM}


def test_a_template_that_changes_is_read_anew(template: Path, tmp_path: Path) -> None:
    changing = tmp_path / "template"
    (changing / "template").mkdir(parents=True)
    config = "_subdirectory: template\nword: { type: str, default: one }\n"
    (changing / "copier.yml").write_text(config)
    (changing / "template/file.txt.jinja").write_text("{{ word }}\n")
    assert rendered(changing).files == {"file.txt": b"one\n"}
    (changing / "copier.yml").write_text(config.replace("one", "two"))
    (changing / "template/file.txt.jinja").write_text("now {{ word }}\n")
    assert rendered(changing).files == {"file.txt": b"now two\n"}
    (changing / "copier.yml").write_text(f"_envops: {{ trim_blocks: true }}\n{config}")
    (changing / "template/file.txt.jinja").write_text("{% if word %}\n{{ word }}{% endif %}\n!\n")
    assert rendered(changing).files == {"file.txt": b"one!\n"}
