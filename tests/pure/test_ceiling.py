"""How much code there is: a reader has to get through it, so it does not grow by itself. A ceiling is raised with a
reason that a reader of CONTRIBUTING accepts, or not at all."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = ("tests", "behaviours", "build")
"""What proves and what teaches may grow: each file there is read by itself."""


def lines(place: Path) -> int:
    """The lines of Python of a file, or in a folder and all that is the project's below it."""
    if place.is_dir():
        inside = (path for path in place.iterdir() if not path.name.startswith(".") and path.name not in LEFT_OUT)
        return sum(map(lines, inside))
    return len(place.read_text().splitlines()) if place.suffix == ".py" else 0


@pytest.mark.parametrize(
    ("folder", "most"),
    [
        ("common", 1700),
        (".", 14_000),
    ],
)
def test_there_is_no_more_code_than_a_reader_can_be_asked_to_read(folder, most):
    assert lines(ROOT / folder) < most


def test_only_the_code_of_the_project_counts(tmp_path):
    for name in ("a.py", "common/b.py", "tests/c.py", "behaviours/kit/d.py", ".venv/lib/e.py", "common/notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one\ntwo\n")
    assert lines(tmp_path) == 4
