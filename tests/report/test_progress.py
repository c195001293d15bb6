"""What a terminal shows while something runs, and what is left of it."""

import importlib.util
import io
import re
from contextlib import redirect_stderr, suppress

import pytest
from screen import lines_on_screen

from comparison.progress import Progress

NEEDS_RICH = pytest.mark.skipif(
    importlib.util.find_spec("rich") is None, reason="rich is not installed: pip install rich"
)


class Terminal(io.StringIO):
    """A terminal that remembers what was written to it."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        """The lines that are to be seen now."""
        return lines_on_screen(self.getvalue())


@pytest.fixture(params=[pytest.param(True, marks=NEEDS_RICH), False], ids=["rich", "bare"])
def with_rich(request, monkeypatch) -> bool:
    """Whether rich is there to draw a bar."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    if not request.param:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    return request.param


def test_lines_stay_above_a_bar_of_which_nothing_is_left(with_rich):
    screens = []
    with redirect_stderr(terminal := Terminal()), Progress(4, "tutorial") as progress:
        progress.tick()
        progress.judged("tutorial: as it should be", 0, "never-reads")
        progress.tick()
        progress.judged("never-reads: [b]not[/b] so", 2, "pause")
        screens.append(terminal.screen())
    lines = ["tutorial: as it should be", "never-reads: [b]not[/b] so"]
    assert screens[0][:2] == lines
    assert len(screens[0]) == (3 if with_rich else 2)
    assert terminal.screen() == lines


def test_the_bar_tells_how_much_is_done_what_runs_and_how_many_have_failed(with_rich):
    with redirect_stderr(terminal := Terminal()), Progress(4, "tutorial") as progress:
        bars = [terminal.screen()]
        for failed in (0, 2, 0):
            progress.tick()
            progress.judged("", failed, f"after {failed}")
            if with_rich:
                progress._bar.refresh()  # which it does ten times a second
            bars.append(terminal.screen())
    told = ["0/4 tutorial", "1/4 after 0", "2/4 after 2, 2 failed", "3/4 after 0, 2 failed"]
    found = [re.findall(r"\d/\d .*?(?= +\S+$)", " ".join(bar)) for bar in bars]
    assert found == [[text] if with_rich else [] for text in told]


def test_the_bar_is_gone_and_the_cursor_there_after_ctrl_c(with_rich):
    with suppress(KeyboardInterrupt), redirect_stderr(terminal := Terminal()), Progress(4, "hangs") as progress:
        progress.tick()
        raise KeyboardInterrupt
    assert terminal.screen() == []
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == with_rich


def test_a_terminal_that_knows_no_way_back_gets_lines_and_no_bar(with_rich, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with redirect_stderr(terminal := Terminal()), Progress(2, "one-byte") as progress:
        progress.tick()
        progress.judged("one-byte: as it should be", 0, "")
    assert terminal.getvalue() == "one-byte: as it should be\n"


def test_a_file_gets_neither_lines_nor_a_bar(with_rich):
    with redirect_stderr(file := io.StringIO()), Progress(2, "one-byte") as progress:
        progress.tick()
        progress.judged("one-byte: as it should be", 0, "")
    assert file.getvalue() == ""
