"""Processes: started, watched line by line, given deadlines, stopped, and never left behind."""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from comparison.play import processes
from comparison.play.processes import Closed, Launcher, Process, heed_signals
from comparison.transcript import parse

GENEROUS_S = 60.0
"""A deadline that only a defect reaches."""

SHORT_S = 0.05
"""A deadline for what never happens."""

PAUSE = "import os, signal; print('pid', os.getpid(), flush=True); signal.pause()"
"""A program that says who it is, and never ends."""


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher() as launcher:
        yield launcher


def python(script: str) -> tuple[str, ...]:
    """The command of a program that starts as fast as Python can."""
    return (sys.executable, "-I", "-S", "-c", script)


def pid_of(process: Process) -> int:
    """Wait until a program has said who it is."""
    line = process.search(lambda line: line.startswith("pid "))(GENEROUS_S)
    assert line is not None, process.wait(GENEROUS_S)
    return int(line.split()[1])


def is_gone(pid: int) -> bool:
    """Whether no such process is left, not even one that nobody has waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_server_is_ready_at_its_ready_line(launcher):
    process = launcher.start(python("print('hello'); print('ready at 1'); print('ready at 2')"))
    ready = [process.search(lambda line: "ready" in line)(GENEROUS_S) for _ in range(2)]
    assert ready == ["ready at 1", "ready at 1"]


def test_a_server_that_ends_without_a_ready_line_is_never_ready(launcher):
    process = launcher.start(python("print('hello')"))
    assert process.search("ready".__eq__)(GENEROUS_S) is None


def test_a_server_that_says_nothing_is_not_ready_in_time(launcher):
    process = launcher.start(python(PAUSE))
    assert process.search("ready".__eq__)(SHORT_S) is None
    assert not is_gone(pid_of(process))


def test_a_program_that_ends_by_itself_leaves_its_output_and_its_exit_code(launcher):
    command = python("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)")
    log = launcher.start(command).wait(GENEROUS_S)
    assert log == processes.Log(command, ("out", "err"), 3, events=parse(("out", "err")))


def test_a_program_that_misses_its_deadline_is_killed_and_the_log_says_so(launcher):
    process = launcher.start(python(PAUSE))
    pid = pid_of(process)
    log = process.wait(SHORT_S)
    assert (log.lines, log.exit_code, log.trouble) == ((f"pid {pid}",), None, "still running after 0.05 s")
    assert is_gone(pid)


def test_a_program_that_closes_its_output_and_goes_on_is_killed_at_its_deadline(launcher):
    process = launcher.start(python(PAUSE.replace("signal.pause", "os.close(1); os.close(2); signal.pause")))
    pid = pid_of(process)
    assert process.wait(SHORT_S).trouble == "still running after 0.05 s"
    assert is_gone(pid)


TIDY = """
import signal, sys
def on_sigterm(number, frame):
    print("closing server")
    sys.exit(0)
signal.signal(signal.SIGTERM, on_sigterm)
print("ready", flush=True)
signal.pause()
"""


def test_a_server_is_stopped_with_sigterm_and_may_tidy_up(launcher):
    process = launcher.start(python(TIDY))
    assert process.search("ready".__eq__)(GENEROUS_S)
    log = process.stop()
    assert (log.lines, log.exit_code, log.trouble) == (("ready", "closing server"), 0, None)


def test_a_server_that_does_not_handle_sigterm_shows_it_in_its_exit_code(launcher):
    process = launcher.start(python(PAUSE))
    pid_of(process)
    log = process.stop()
    assert (log.exit_code, log.trouble) == (-signal.SIGTERM, None)


def test_a_server_that_ignores_sigterm_is_killed(launcher):
    process = launcher.start(python(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PAUSE}"))
    pid = pid_of(process)
    log = process.stop(SHORT_S)
    assert (log.exit_code, log.trouble) == (None, "still running after 0.05 s")
    assert is_gone(pid)


def test_a_server_that_ended_before_it_was_stopped_is_in_trouble(launcher):
    process = launcher.start(python("print('Segmentation fault'); raise SystemExit(3)"))
    process.wait(GENEROUS_S)
    log = process.stop()
    assert (log.lines, log.exit_code, log.trouble) == (("Segmentation fault",), 3, "ended before it was stopped")


def test_what_is_about_to_end_by_itself_keeps_its_exit_code(launcher, tmp_path, monkeypatch):
    """Its output may be over a moment before it is gone, when a signal would still decide how it ends."""
    os.mkfifo(tmp_path / "fifo")
    script = f"import os; os.close(1); os.close(2); open({str(tmp_path / 'fifo')!r}).read(); os._exit(3)"
    process = launcher.start(python(script))
    assert process.search(lambda line: False)(GENEROUS_S) is None
    wait = process.wait_a_little

    def let_it_end(seconds):
        (tmp_path / "fifo").write_text("")
        wait(GENEROUS_S)

    monkeypatch.setattr(process, "wait_a_little", let_it_end)
    assert process.stop().exit_code == 3


def test_output_without_a_final_newline_and_bytes_that_are_no_text_are_kept(launcher):
    log = launcher.start(python(r"import os; os.write(1, b'caf\xe9\r\n\nna\xc3\xafve\nlast')")).wait(GENEROUS_S)
    assert log.lines == (r"caf\xe9", "", "naïve", "last")


def test_programs_read_no_standard_input_and_start_where_they_lie(launcher):
    log = launcher.start(python("import os, sys; print(repr(sys.stdin.read()), os.getcwd())")).wait(GENEROUS_S)
    assert log.lines == (f"'' {processes.ROOT}",)


def test_ctrl_c_in_the_terminal_is_not_sent_to_the_programs(launcher):
    process = launcher.start(python(PAUSE))
    assert os.getpgid(pid_of(process)) != os.getpgid(0)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot pin a process to a core")
def test_a_program_runs_on_the_cores_that_it_was_given_and_we_stay_where_we_are(launcher):
    ours = os.sched_getaffinity(0)
    core = max(ours)
    log = launcher.start(python("import os; print(os.sched_getaffinity(0))"), cores={core}).wait(GENEROUS_S)
    assert (log.lines, os.sched_getaffinity(0)) == ((f"{{{core}}}",), ours)


TALKS_AFTER_SIGTERM = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
print("x" * 1_000_000, "y" * 1_000_000, sep="\\n")
"""
"""More than a pipe holds: who does not read it keeps the program from ending."""


def test_output_that_is_dropped_is_read_all_the_same(launcher):
    process = launcher.start(python(TALKS_AFTER_SIGTERM))
    assert process.search("ready".__eq__)(GENEROUS_S)
    process.keeps_lines = False
    log = process.stop()
    assert (log.lines, log.exit_code, log.trouble) == (("ready",), 0, None)


def test_a_part_ends_what_it_has_started_and_is_forgotten(launcher):
    with launcher.part() as part:
        pid = pid_of(part.start(python(PAUSE)))
        assert not is_gone(pid)
    assert is_gone(pid)
    assert launcher._started == []


def test_a_part_ends_with_the_whole_and_one_that_comes_later_starts_nothing(launcher):
    with launcher.part() as part:
        pid = pid_of(part.start(python(PAUSE)))
        launcher.kill()
        assert is_gone(pid)
        with launcher.part() as later, pytest.raises(Closed):
            later.start(python(PAUSE))


def test_no_program_is_left_after_an_error():
    pids = []

    def start_and_fail() -> None:
        with Launcher() as launcher:
            started = [launcher.start(python(PAUSE)) for _ in range(2)]
            pids.extend(map(pid_of, started))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start_and_fail()
    assert [is_gone(pid) for pid in pids] == [True, True]


def test_nothing_is_started_after_the_end():
    with Launcher() as launcher:
        pass
    with pytest.raises(Closed):
        launcher.start(python(PAUSE))


def test_a_thread_that_waits_for_a_program_is_woken_when_everything_is_stopped():
    logs = []
    with Launcher() as launcher:
        process = launcher.start(python(PAUSE))
        pid_of(process)
        waiting = threading.Thread(target=lambda: logs.append(process.wait(GENEROUS_S)))
        waiting.start()
    waiting.join(GENEROUS_S)
    assert [(log.exit_code, log.trouble) for log in logs] == [(-signal.SIGKILL, None)]


def test_a_program_that_does_not_exist_is_an_error_and_nothing_is_left(launcher):
    with pytest.raises(FileNotFoundError):
        launcher.start(["/nonexistent/program"])


PARENT = f"""
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", {PAUSE!r}])
"""
"""A program that starts another, which keeps hold of its output and never ends."""


@pytest.fixture
def grandchild() -> Iterator[Callable[[Process], int]]:
    """Says who the process is that a program has started, and kills it at the end of the test should it still run."""
    watched: list[int] = []

    def find(process: Process) -> int:
        watched.append(os.pidfd_open(pid_of(process)))
        return watched[-1]

    yield find
    for pidfd in watched:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)


def test_a_grandchild_that_holds_our_pipe_does_not_keep_us(launcher, grandchild, monkeypatch):
    monkeypatch.setattr(processes, "PIPE_S", SHORT_S)
    process = launcher.start(python(PARENT))
    grandchild(process)
    deadline_s = 10.0
    start_s = time.monotonic()
    log = process.wait(deadline_s)
    assert (len(log.lines), log.exit_code, log.trouble) == (1, 0, None)
    assert time.monotonic() - start_s < deadline_s, "waited for the grandchild"


def test_what_a_program_has_started_does_not_outlive_the_comparison(grandchild):
    with Launcher() as launcher:
        pidfd = grandchild(launcher.start(python(f"{PARENT}\nsignal.pause()")))
    ended, _, _ = select.select([pidfd], [], [], 5.0)
    assert ended, "the grandchild still runs"


SHOW_ENVIRONMENT = "import os; print(*sorted(name for name in os.environ if name.upper().endswith('_OF_USER')))"


def test_variables_of_the_user_that_would_change_the_endpoints_are_dropped(launcher, monkeypatch):
    for name in ("PYTHON_OF_USER", "PYTHONPATH_OF_USER", "HOME_OF_USER", "MY_PYTHON_OF_USER", "python_of_user"):
        monkeypatch.setenv(name, "1")
    kept = launcher.start(python(SHOW_ENVIRONMENT)).wait(GENEROUS_S).lines
    assert kept == ("HOME_OF_USER MY_PYTHON_OF_USER python_of_user",)
    assert os.environ["PYTHON_OF_USER"] == "1"


@pytest.fixture
def sigterm_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm_as_before")
def test_sigterm_ends_a_comparison_like_ctrl_c():
    heed_signals()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("sigterm_as_before")
def test_a_comparison_in_another_thread_leaves_sigterm_alone():
    before = signal.getsignal(signal.SIGTERM)
    errors: list[BaseException] = []

    def compare() -> None:
        try:
            heed_signals()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=compare)
    thread.start()
    thread.join(GENEROUS_S)
    assert (errors, signal.getsignal(signal.SIGTERM)) == ([], before)
