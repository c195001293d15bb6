"""compare.py as its users run it: its options, its output on a terminal and elsewhere, its exit codes, its end."""

import contextlib
import errno
import fcntl
import importlib.util
import io
import itertools
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from unittest import mock

import pytest
from harness import DEADLINE_S, ROOT, in_turns
from screen import lines_on_screen

import compare
from comparison import VERSION, endpoints
from comparison.judge.catalogue import CATALOGUE
from comparison.judge.differences import project
from comparison.layout import markdown_of
from comparison.play.transports import TRANSPORTS
from comparison.report import export, view
from comparison.scenarios import SCENARIOS
from comparison.transcript import parse

COMPARE = str(ROOT / "compare.py")
HAS_UVLOOP = importlib.util.find_spec("uvloop") is not None
LABELS = [f"{api}/{loop}" for api in ("streams", "protocol") for loop in ("asyncio", *["uvloop"] * HAS_UVLOOP)]
ONE = ("--loop", "asyncio", "--server", "streams", "--client", "streams")
"""The options of the shortest comparison there is."""

TWO = ONE[:-2]
"""The options of one in which something is told otherwise."""

COLOUR = re.compile(r"\x1b\[(?:\d+;)*[34]\dm")
NEEDS_RICH = pytest.mark.skipif(
    importlib.util.find_spec("rich") is None, reason="rich is not installed: pip install rich"
)


def environment(**more: str) -> dict[str, str]:
    """What a shell would give, without what the person who runs the tests has set."""
    unwanted = ("PYTHON", "ECHO_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "TERM": "xterm-256color", **more}


def run(*options: str, env: dict[str, str] | None = None, cwd: str | Path = ".") -> subprocess.CompletedProcess[str]:
    """Run compare.py to its end in this process, which costs a tenth of a program of its own."""
    output, errors = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with (
            mock.patch.dict(os.environ, env or environment(), clear=True),
            contextlib.chdir(cwd),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            code = compare.main(options)
    except SystemExit as end:
        code = end.code
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(options, code, output.getvalue(), errors.getvalue())


def started(
    *options: str,
    python: Sequence[str] = (),
    env: dict[str, str] | None = None,
    **more: object,
) -> subprocess.CompletedProcess[str]:
    """Run compare.py as its users do, where that matters, away from its own folder; `python` are options of the
    interpreter."""
    command = [sys.executable, *python, COMPARE, *options]
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
    return subprocess.run(command, env=env or environment(), timeout=DEADLINE_S, check=False, **more)


def report(*options: str, **more: object) -> dict:
    """The JSON report of a run of one scenario in which nothing is wrong: the comparison in it."""
    done = run(*options, "--format", "json", **more)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    document = json.loads(done.stdout)
    assert (document["schema"], document["exit_code"]) == (3, 0)
    (comparison,) = document["comparisons"]
    return comparison


def spoken(lines: Iterable[str]) -> list[str]:
    """Log lines as a person reads them."""
    return [event.plain for event in parse(lines)]


def story(lines: Iterable[str]) -> list[str]:
    """A log as it must be at each run, wherever TCP cuts the stream."""
    return [line.text for line in project(parse(lines))]


def program_file(path: Path, script: str) -> str:
    """A program of the shell."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """An interpreter with nothing but the standard library."""
    return program_file(tmp_path / "python3", f'exec {shlex.quote(sys.executable)} -S "$@"')


# --- The default run ---


MOST_LINES = 45
"""The first answer is seen without scrolling."""

SENTENCE = "All {} pairings echo the same bytes and end alike. Protocol is told of the end of file and Streams is not"


@pytest.fixture(scope="module", params=["rich", "bare"])
def default_run(request) -> subprocess.CompletedProcess[str]:
    """The shortest command there is, in 80 columns; bare, nothing is installed for the engine."""
    if request.param == "rich":
        pytest.importorskip("rich", reason="rich is not installed: pip install rich")
        return run(env=environment(COLUMNS="80"))
    return started(python=["-S"], env=environment(COLUMNS="80"))


def test_the_default_run_answers_in_a_sentence_and_fits_a_screen(default_run):
    assert default_run.returncode == 0
    lines = default_run.stdout.splitlines()
    assert len(lines) <= MOST_LINES
    assert [line for line in lines if len(line) > 80 and not line.startswith("Next: ")] == []
    assert " ".join(default_run.stdout.split()).startswith(SENTENCE.format(len(LABELS) ** 2))
    assert lines[0].startswith("All")


def test_the_default_run_compares_every_server_with_every_client(default_run):
    text = " ".join(default_run.stdout.split())
    pairings = len(LABELS) ** 2
    assert f"{len(LABELS)} servers x {len(LABELS)} clients" in text
    counts = f"1 reference, {pairings - 1} alike, 0 different, 0 failed"
    assert re.search(rf"{pairings} pairings in [\d.]+ s: {counts}", text)
    matrix = default_run.stdout.partition("server / client")[2].partition("\n* ")[0]
    assert (matrix.count("* reference"), matrix.count("~ alike")) == (1, pairings - 1)
    for part in (*LABELS, *(f"{name} " for name in ("Python", "system")), sys.version.split()[0], "received EOF"):
        assert part in text


def test_no_text_is_markdown_and_none_has_escape_codes(default_run):
    assert [line for line in default_run.stdout.splitlines() if line.startswith(("#", "|", "**", "```"))] == []
    assert "\x1b" not in default_run.stdout


def test_a_bare_interpreter_says_what_makes_it_prettier():
    done = started(*ONE, python=["-S"])
    assert (done.returncode, done.stderr) == (0, "compare.py: for colour: pip install rich\n")


def test_json_is_one_document_with_every_pairing_and_its_logs(tmp_path):
    document = report(cwd=tmp_path)
    assert (document["scenario"]["name"], document["transport"]["name"]) == ("tutorial", "tcp")
    assert document["environment"]["Python"] == sys.version.split()[0]
    assert document["servers"] == document["clients"] == LABELS
    assert document["reference"] == {"server": "streams/asyncio", "client": "streams/asyncio"}
    verdicts = {(cell["server"], cell["client"]): cell["verdict"] for cell in document["cells"]}
    assert verdicts == {
        pairing: "reference" if pairing == ("streams/asyncio",) * 2 else "alike"
        for pairing in itertools.product(LABELS, LABELS)
    }
    events = {"eof", *["selector"] * HAS_UVLOOP}
    assert {cause["event"] for cause in document["causes"] if cause["explained"]} == events
    for cell in document["cells"]:
        (only,) = cell["runs"]
        for side in ("server", "client"):
            assert spoken(only[side]["lines"])[-1] == "main: closing event loop"
            assert only[side]["exit_code"] == 0
            assert "--loop" in only[side]["command"]
        assert cell["verdicts"]["echo"] == ("reference" if cell["verdict"] == "reference" else "identical")


def test_markdown_that_was_asked_for_misses_nothing():
    done = started(*ONE, "--format", "markdown", python=["-S"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "| streams/asyncio | * reference |" in done.stdout


def test_without_uvloop_the_run_says_once_how_to_get_it_and_goes_on(bare_python):
    done = run("--python", bare_python, env=environment(COLUMNS="300"))
    assert done.returncode == 0
    assert "4 pairings in " in done.stdout
    assert done.stdout.count(f"{bare_python} -m pip install uvloop") == 1


# --- Choosing ---


def test_list_has_a_row_for_each_and_starts_nobody(bare_python):
    done = run("--list", "--python", bare_python)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if len(line) > 100] == []
    version = sys.version.split()[0]
    for name, told in (("streams/asyncio", f"Python {version}"), ("protocol/asyncio", f"Python {version}")):
        assert f"{name:<19} {told}" in lines
    assert "reference: streams/asyncio -> streams/asyncio" in done.stdout
    assert "-m pip install uvloop" in " ".join(done.stdout.split())
    assert "connection accepted" not in done.stdout
    for name in (*SCENARIOS, *TRANSPORTS):
        kinds = (name in SCENARIOS) + (name in TRANSPORTS)
        assert len([line for line in lines if line.startswith(f"{name} ")]) == kinds
    told = " ".join(done.stdout.split())
    assert [one.name for one in (*SCENARIOS.values(), *TRANSPORTS.values()) if one.description not in told] == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "no-more-files",
            [
                SCENARIOS["no-more-files"].description,
                "over tcp",
                "Must hold for everybody: ",
                "Shows out-of-files: ",
            ],
        ),
        ("protocol/asyncio", ["Its server: ", "-m protocol_impl.client"]),
        ("tls", ["--scenario tls: the tutorial's three", "--transport tls: TLS", "Carries tutorial, "]),
    ],
)
def test_everything_about_one_is_told_on_request(name, told):
    done = run("--list", name)
    assert (done.returncode, done.stderr) == (0, "")
    for part in (f"{name}: ", *told):
        assert part in " ".join(done.stdout.split())


def test_version_is_that_of_the_package():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"protocol-vs-streams {VERSION}\n", "")


def test_servers_and_clients_can_be_chosen():
    document = report("--server", "protocol/asyncio", "--client", "streams,protocol", "--loop", "asyncio")
    assert document["servers"] == ["protocol/asyncio"]
    assert document["clients"] == ["streams/asyncio", "protocol/asyncio"]
    assert len(document["cells"]) == 2
    assert document["reference"] == {"server": "protocol/asyncio", "client": "streams/asyncio"}


def test_another_reference_can_be_chosen():
    document = report("--loop", "asyncio", "--server", "streams", "--reference", "streams,protocol")
    assert document["reference"] == {"server": "streams/asyncio", "client": "protocol/asyncio"}
    verdicts = {cell["client"]: cell["verdict"] for cell in document["cells"]}
    assert verdicts == {"streams/asyncio": "alike", "protocol/asyncio": "reference"}


def test_an_interpreter_is_found_from_the_folder_in_which_the_user_is(bare_python):
    folder, name = os.path.split(bare_python)
    document = report(*ONE, "--python", f"./{name}", cwd=folder)
    assert [cell["verdict"] for cell in document["cells"]] == ["reference"]


def test_each_pairing_can_be_repeated():
    document = report(*ONE, "--repeat", "3", "--jobs", "1")
    (cell,) = document["cells"]
    assert [run["number"] for run in cell["runs"]] == [1]
    assert (cell["agreed"], cell["repeat"], document["repeat"]) == (3, 3, 3)
    done = run(*ONE, "--repeat", "3", "--format", "markdown")
    assert "3/3 agree" in done.stdout
    assert re.search(r"cut in [0-3]", done.stdout)


def test_raw_shows_the_logs_as_they_came_and_diff_line_by_line():
    wide = environment(COLUMNS="200")
    plain, full = run(*ONE, env=wide), run(*ONE, "--raw", "--diff", env=wide)
    for narrated in (r"echo_\S+_\d+: connection accepted", "(?m)^What differs in tutorial$"):
        assert re.search(narrated, plain.stdout) is None
        assert re.search(narrated, full.stdout)


# --- Several scenarios, over several transports ---


def test_run_is_what_happens_where_nothing_else_is_said():
    said, unsaid = (run(*words, *ONE, "--format", "markdown").stdout for words in (["run"], []))
    assert [re.sub(r"in \d+\.\d s", "", text) for text in (said, unsaid)] == [re.sub(r"in \d+\.\d s", "", said)] * 2
    assert said.startswith(
        "streams/asyncio -\\> streams/asyncio does what it must; there is nothing to compare it with."
    )


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_several_scenarios_over_several_transports_are_an_overview(form):
    options = ("--loop", "asyncio", "--server", "streams", "--scenario", "one-byte,refuses", "--transport", "tcp,unix")
    done = run(*options, "--format", form, env=environment(COLUMNS="120"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("All 6 pairings in 4 scenarios do what they must. 2 could not be tried here.")
    rows = [line.replace("|", " ").split() for line in done.stdout.splitlines()]
    assert [row[:-2] for row in rows if row and row[-1:] == ["s"] and row[0] != "scenario"] == [
        ["one-byte", "*1", "=1", "*1", "~1"],
        ["one-byte/unix", "*1", "=1", "*1", "~1"],
        ["refuses", "*1", "=1", "*1", "=1"],
        ["refuses/unix", "-2", "-2"],
    ]
    text = " ".join(done.stdout.split())
    assert "2 pairings skipped in refuses/unix: there is no refuses over unix, only tcp, tcp6" in text
    assert "Seen in one-byte, one-byte/unix." in text
    counts = "2 skipped, 3 reference, 1 identical, 2 alike, 0 different, 0 failed"
    assert re.search(rf"8 pairings in [\d.]+ s: {counts}\.", text)


def test_exit_code_2_where_nothing_ran():
    done = run(*ONE, "--scenario", "refuses,resets", "--transport", "unix", "--format", "json")
    assert (done.returncode, done.stderr) == (2, "")
    document = json.loads(done.stdout)
    assert document["exit_code"] == 2
    assert {cell["verdict"] for one in document["comparisons"] for cell in one["cells"]} == {"skipped"}


# --- Explain ---


def test_explain_lists_the_causes():
    done = run("explain")
    assert (done.returncode, done.stderr) == (0, "")
    listed = " ".join(f"{entry.name}: {entry.title}" for entry in CATALOGUE.values())
    assert done.stdout.partition("\n\n")[0].split() == listed.split()


def test_explain_is_a_lesson_on_a_cause_by_the_beginning_of_its_name():
    done = run("explain", "eof-c", "--loop", "asyncio")
    assert (done.returncode, done.stderr) == (0, "")
    *lines, last = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    entry, text = CATALOGUE["eof-callback"], " ".join(done.stdout.split())
    assert lines[0] == f"{entry.name}: {entry.title}"
    told = [
        entry.text,
        f"Source: {entry.source}.",
        "Seen just now: the tutorial's three messages, over TCP",
        entry.advice,
    ]
    for part in (*told, "in all 4 runs: there with protocol, missing with streams."):
        assert part in text
    # The two sections of code, the two logs, and for each what both sides told in the order of the clock.
    assert re.search(r"^streams_impl/server.py +\| protocol_impl/server.py$", done.stdout, re.MULTILINE)
    assert re.search(r"\| +self.log.tell\(\"eof\"\)$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +\| echo_127.0.0.1_<port>: received EOF$", done.stdout, re.MULTILINE)
    assert lines.count("When it happened: streams/asyncio -> streams/asyncio") == 1
    assert re.search(r"^[\d.]+ ms +received b'This .* <--\d+--$", done.stdout, re.MULTILINE)
    assert re.search(r"^[\d.]+ ms +--EOF--> +received EOF$", done.stdout, re.MULTILINE)
    assert last.startswith("Next: ")


def test_explain_says_where_the_example_does_not_show_it():
    done = run("explain", "eof-callback", *ONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "These endpoints do not show it: choose more of them." in done.stdout


# --- Any other program ---


ECHO = """
import signal, socket, sys, threading
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
def echo(peer):
    while data := peer.recv(65536):
        peer.sendall(data)
    peer.close()
listener = socket.create_server(("localhost", int(sys.argv[1])))
while True:
    threading.Thread(target=echo, args=listener.accept()[:1], daemon=True).start()
"""
"""A server that knows nothing of the contract, and says nothing."""

ASK = """
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
peer.sendall(sys.stdin.buffer.read())
peer.shutdown(socket.SHUT_WR)
sys.stdout.buffer.write(peer.makefile("rb").read())
"""


def test_any_other_program_takes_part_by_its_commands(tmp_path):
    for name, script in (("echo.py", ECHO), ("ask.py", ASK)):
        (tmp_path / name).write_text(script)
    python = shlex.quote(sys.executable)
    document = report(
        *("--loop", "asyncio", "--server", "streams,mine", "--client", "streams,mine", "--scenario", "every-byte"),
        *("--endpoint", "mine", "--server-command", f"{python} {tmp_path / 'echo.py'} {{port}}"),
        *("--client-command", f"{python} {tmp_path / 'ask.py'} {{host}} {{port}}"),
    )
    verdicts = {(cell["server"], cell["client"]): (cell["verdict"], cell["reason"]) for cell in document["cells"]}
    on_the_wire = "the same bytes on the wire as the reference; one side tells nothing more"
    assert verdicts == {
        ("streams/asyncio", "streams/asyncio"): ("reference", "what the others are held against"),
        ("streams/asyncio", "mine"): ("identical", on_the_wire),
        ("mine", "streams/asyncio"): ("identical", on_the_wire),
        ("mine", "mine"): ("identical", on_the_wire),
    }
    silent = {(cell["server"], cell["client"]): cell["runs"][0]["silent"] for cell in document["cells"]}
    assert list(silent.values()) == [[], ["client"], ["server"], ["server", "client"]]


# --- Files ---


@pytest.mark.parametrize(
    ("form", "first"), [("text", "streams/asyncio ->"), ("markdown", "streams/asyncio -"), ("json", "{")]
)
def test_output_goes_to_a_file(tmp_path, form, first):
    done = run(*ONE, "--format", form, "--output", "report", cwd=tmp_path, env=environment(FORCE_COLOR=""))
    assert (done.returncode, done.stdout) == (0, "")
    text = (tmp_path / "report").read_text()
    assert first in text.splitlines()[0]
    assert "\x1b" not in text
    assert text.endswith("\n")


def test_save_keeps_both_logs_of_each_pairing(tmp_path):
    folder = tmp_path / "saved"
    document = report("--loop", "asyncio", "--client", "streams", "--save", str(folder))
    places = ["streams-asyncio--streams-asyncio", "protocol-asyncio--streams-asyncio"]
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "tutorial-tcp"}
    scenario = folder / "tutorial-tcp"
    assert {path.name for path in scenario.iterdir()} == {"payload", "result.json", *places}
    for cell, place in zip(document["cells"], places, strict=True):
        for side in ("server", "client"):
            shown = (scenario / place / f"{side}-1.log").read_text().splitlines()
            kept = (scenario / place / f"{side}-1.jsonl").read_text().splitlines()
            assert kept == cell["runs"][0][side]["lines"]
            assert shown == spoken(kept)
            assert {json.loads(line)["event"] for line in kept} > {"closing", "received"}


def test_save_keeps_the_logs_of_each_run(tmp_path):
    report(*ONE, "--repeat", "2", "--save", str(tmp_path))
    place = tmp_path / "tutorial-tcp" / "streams-asyncio--streams-asyncio"
    numbered = [f"{side}-{number}" for side in ("server", "client") for number in (1, 2)]
    logs = {f"{name}.{kind}" for name in numbered for kind in ("log", "jsonl")}
    assert {path.name for path in place.iterdir()} == {"commands.txt", "run-1.json", "run-2.json", *logs}


def test_save_keeps_the_result_of_each_scenario(tmp_path):
    done = run(*ONE, "--scenario", "one-byte,nothing,refuses", "--format", "json", "--save", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    places = ["one-byte-tcp", "nothing-tcp", "refuses-tcp"]
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", *places}
    for comparison, place in zip(document["comparisons"], places, strict=True):
        saved = json.loads((tmp_path / place / "result.json").read_text())
        assert saved["comparisons"] == [comparison]
        survey = export.from_json((tmp_path / place / "result.json").read_bytes(), place)
        assert "does what it must" in markdown_of(view.blocks(survey))
    # Where the engine plays one side there is no command that would play it by hand.
    pairing = tmp_path / "refuses-tcp" / "raw-sockets--streams-asyncio"
    logs = {f"{side}-1.{kind}" for side in ("server", "client") for kind in ("log", "jsonl")}
    assert {path.name for path in pairing.iterdir()} == {"run-1.json", *logs}


def test_the_saved_commands_repeat_the_pairing_by_hand(tmp_path):
    report("--loop", "asyncio", "--server", "protocol", "--client", "streams", "--save", str(tmp_path))
    place = tmp_path / "tutorial-tcp" / "protocol-asyncio--streams-asyncio"
    server_command, client_command = (place / "commands.txt").read_text().splitlines()[1:]
    assert "--port 10000" in server_command
    by_hand = {"cwd": ROOT, "env": environment(), "stderr": subprocess.PIPE, "text": True}
    any_port = shlex.split(server_command.replace("--port 10000", "--port 0"))
    with subprocess.Popen(any_port, **by_hand) as server:
        lines = []
        try:
            while not (lines and "starting up" in lines[-1]):
                lines.append(server.stderr.readline())
                assert lines[-1], "the server ended"
            its_port = client_command.replace("--port 10000", f"--port {lines[-1].split()[-1]}")
            client = subprocess.run(shlex.split(its_port), timeout=DEADLINE_S, check=True, **by_hand)
            server.terminate()
            lines.append(server.communicate(timeout=DEADLINE_S)[1])
        finally:
            server.kill()
    assert server.returncode == 0
    for side, log in (("server", "".join(lines)), ("client", client.stderr)):
        assert story(log.splitlines()) == story((place / f"{side}-1.log").read_text().splitlines())


# --- What the user's environment changes, and what it does not ---


def test_variables_of_the_user_change_nothing_that_is_compared():
    user = {
        "ECHO_PORT": "1",
        "ECHO_MESSAGE": "other",
        "ECHO_LOG_LEVEL": "error",
        "PYTHONASYNCIODEBUG": "1",
        "PYTHONDEVMODE": "1",
        "PYTHONWARNINGS": "always",
        "PYTHONUNBUFFERED": "1",
    }
    done = started(*ONE, "--format", "json", env=environment(**user))
    (with_them,), (without,) = json.loads(done.stdout)["comparisons"][0]["cells"], report(*ONE)["cells"]
    for side in ("server", "client"):
        assert story(with_them["runs"][0][side]["lines"]) == story(without["runs"][0][side]["lines"])


def on_a_terminal(*command: str, env: dict[str, str], columns: int = 80) -> tuple[int, str]:
    """Run a command on a terminal of its own; its exit code, and everything that the terminal got."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    output = b""
    try:
        while select.select([ours], [], [], DEADLINE_S)[0]:
            try:
                output += os.read(ours, 1 << 16)
            except OSError as error:
                if error.errno != errno.EIO:  # what Linux has for EOF where nobody holds the terminal any more
                    raise
                break
        return process.wait(DEADLINE_S), output.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@NEEDS_RICH
def test_a_terminal_gets_colours_and_its_own_width():
    code, screen = on_a_terminal(sys.executable, COMPARE, *TWO, env=environment(), columns=50)
    assert code == 0
    assert COLOUR.search(screen)
    *lines, last = lines_on_screen(screen)
    assert [line for line in lines if len(line) > 50] == []
    assert re.fullmatch(r"Next: \S+ \S+compare.py .* --repeat 20", last)  # in one line, to be copied


@NEEDS_RICH
def test_no_color_means_no_colours_on_a_terminal():
    code, screen = on_a_terminal(sys.executable, COMPARE, *TWO, env=environment(NO_COLOR="1"))
    assert code == 0
    assert COLOUR.search(screen) is None
    assert "~ alike" in screen


def test_a_terminal_without_abilities_gets_no_control_characters():
    code, screen = on_a_terminal(
        sys.executable, COMPARE, *ONE, "--scenario", "one-byte,refuses", env=environment(TERM="dumb", COLUMNS="60")
    )
    assert code == 0
    assert [character for character in screen if not character.isprintable() and character not in "\r\n"] == []


@NEEDS_RICH
def test_a_run_shows_what_is_running_and_wipes_it():
    code, screen = on_a_terminal(sys.executable, COMPARE, *ONE, env=environment(NO_COLOR="1"))
    assert code == 0
    bar, wiped, rest = screen.rpartition("\x1b[2K")
    assert re.search(r" 0/1 tutorial ", re.sub(r"\x1b\[[0-9;]*m", "", bar))
    assert wiped
    assert "1 server x 1 client" in rest


def test_each_scenario_has_a_line_as_soon_as_it_is_judged_and_then_no_row():
    options = ("--scenario", "one-byte,refuses", *ONE)
    code, screen = on_a_terminal(sys.executable, COMPARE, *options, env=environment(NO_COLOR="1"))
    assert code == 0
    lines = [line.split() for line in lines_on_screen(screen)]
    assert [line[::3] for line in lines[:2]] == [["one-byte", "reference"], ["refuses", "reference"]]
    assert lines[2][:2] == ["All", "2"]
    assert ["refuses"] not in [line[:1] for line in lines[3:]]


# --- What cannot be done ---


BAD_OPTIONS = {
    "--server nosuch": ["--server", "'nosuch'", "streams/asyncio", "protocol"],
    "--client streams,nosuch": ["--client", "'nosuch'", "streams/asyncio", "protocol"],
    "--reference nosuch": ["--reference", "'nosuch'", "streams/asyncio", "protocol"],
    "--reference streams,protocol,streams": ["--reference", "SERVER,CLIENT"],
    "--loop nosuch": ["'nosuch'", "asyncio", "uvloop", "MODULE:FACTORY"],
    "--loop asyncio:": ["'asyncio:'", "MODULE:FACTORY"],
    "--loop asyncio:nosuch": ["'asyncio:nosuch'", "nosuch"],
    "--loop json": ["'json'", "MODULE:FACTORY"],
    "--loop no_such_package:new": ["'no_such_package:new'", "there is no module 'no_such_package'"],
    "--python /nonexistent/python": ["--python", "'/nonexistent/python'", "No such file"],
    "--python OLD": ["Python 3.9.1", "3.11 or newer"],
    "--loop uvloop --python BARE": ["'uvloop' is not installed", "-m pip install uvloop"],
    "--repeat 0": ["--repeat", "'0'", "at least 1"],
    "--repeat -1": ["--repeat"],
    "--repeat many": ["--repeat", "'many'", "at least 1"],
    "--repeat 2²": ["--repeat", "'2²'", "at least 1"],
    "--repeat 1_0": ["--repeat", "'1_0'", "at least 1"],
    "--jobs 0": ["--jobs", "'0'", "at least 1"],
    "--format yaml": ["--format", "'yaml'", "text", "json", "markdown"],
    "--output FOLDER": ["--output", "folder", "name a file"],
    "--output MISSING/report": ["--output", "missing/report'", "folder"],
    "--save FULL": ["--save", "not an empty folder", "name a new one"],
    "--save FULL/file": ["--save", "is a file; name a folder"],
    "--save MISSING/folder": ["--save", "missing/folder'", "folder"],
    "--save FULL/file/folder": ["--save", "folder"],
    "--server ,streams": ["--server", "',streams'", "empty name"],
    "--client=": ["--client", "''", "empty name"],
    "--colour": ["--colour", "--help"],
    "--form json": ["--form", "--help"],
    "streams": ["streams", "--help"],
    "run streams": ["streams", "--help"],
    "--scenario xyzzy": ["--scenario", "'xyzzy' is unknown; --list has every one"],
    "--scenario tutorial,tutrial": ["--scenario", "'tutrial' is unknown; did you mean tutorial? (--list"],
    "--scenario Never-Answer": ["did you mean never-answers?"],
    "--transport tsl": ["--transport 'tsl' is unknown; did you mean tls? (--list"],
    "--loop uvlop": ["unknown event loop 'uvlop': choose asyncio, uvloop, ", "did you mean uvloop"],
    "--server strems": ["--server 'strems' stands for no endpoint; did you mean streams"],
    "--list never-read": ["--list 'never-read'", "did you mean never-reads?"],
    "--scenaro tutorial": ["--scenaro", "did you mean --scenario? (all options: --help)"],
    "bnech": ["bnech", "did you mean bench?"],
    "run --repeet=3": ["--repeet=3", "did you mean --repeat?"],
    "--scenario tutorial,": ["--scenario", "'tutorial,'", "empty name"],
    "--transport nosuch": ["--transport", "'nosuch'", "all, tcp, tcp6, unix, tls, mtls"],
    "--scenario refuses --transport tls": ["--scenario refuses", "over tls", "tcp, tcp6"],
    "--raw --format json": ["--raw", "--format json", "leave it out"],
    "--server-command serve{port}": ["--server-command", "--endpoint NAME before it"],
    "--client-command ask{port} --endpoint mine": ["--client-command", "--endpoint NAME before it"],
    "--endpoint mine": ["--endpoint mine", "--server-command", "--client-command"],
    "--endpoint streams --server-command serve{port}": ["--endpoint 'streams'", "of its own", "streams, protocol"],
    "--endpoint a,b --server-command serve{port}": ["--endpoint 'a,b'", "without a comma"],
    "--endpoint= --server-command serve{port}": ["--endpoint ''", "a name of its own"],
    "--endpoint mine --server-command serve": ["--server-command", "'serve'", "{port}"],
    "--endpoint mine --client-command ask'{port}": ["--client-command", "no closing quotation", "quote it"],
    "--endpoint mine --server-command serve{port} --client mine": ["--client", "--client-command"],
    "explain nosuch": ["'nosuch' is unknown"],
    "explain eof-calback": ["'eof-calback'", "did you mean eof-callback? (compare.py explain has every one)"],
    "explain eof": ["'eof' stands for several; give one of eof-callback, eof-without-close-notify"],
    "--diff --format json": ["--diff", "--format json", "leave it out"],
    "explain eof-callback selector": ["selector", "--help"],
    "explain eof-callback --repeat 2": ["--repeat", "--help"],
    "explain eof-callback --server nosuch": ["--server", "'nosuch'", "streams/asyncio"],
}


@pytest.mark.parametrize(("options", "parts"), BAD_OPTIONS.items(), ids=BAD_OPTIONS)
def test_what_makes_no_sense_is_one_line_with_the_remedy(options, parts, tmp_path, bare_python):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("precious")
    old = program_file(tmp_path / "old", """echo '["CPython", [3, 9, 1], {}, {}]'""")
    places = {
        "FULL": tmp_path / "full",
        "FOLDER": tmp_path,
        "MISSING": tmp_path / "missing",
        "OLD": old,
        "BARE": bare_python,
    }
    for name, place in places.items():
        options = options.replace(name, str(place))
    done = run(*options.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert re.match(r"compare\.py( explain)?: error: ", line)
    for part in parts:
        assert part in line
    assert (tmp_path / "full" / "file").read_text() == "precious"


def test_help_names_every_option_and_the_exit_codes():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    choosing = "scenario transport server client loop python reference endpoint server-command client-command"
    showing = "diff raw format output save list version"
    for option in f"{choosing} repeat jobs {showing}".split():
        assert f"--{option}" in done.stdout
    assert "Exit code: 0" in done.stdout
    for name, (_, does) in compare.COMMANDS.items():
        assert f"`{name}` {does}." in " ".join(done.stdout.split())
    done = run("explain", "--help")
    assert "[NAME]" in done.stdout
    assert "Exit code: 0" in done.stdout


@pytest.mark.parametrize("options", [["--list"], ["--help"], ONE, [*ONE, "--format", "json"]])
def test_whoever_has_read_enough_may_close_the_pipe(options):
    # What `compare.py | head -1` comes to, in the order that shows any fault: the reader goes first.
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = started(*options, stdout=writing)
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode in (0, 2)


@pytest.mark.parametrize("options", [["--list"], ONE, [*ONE, "--format", "json"], [*ONE, "--output", "/dev/full"]])
def test_a_full_disk_is_one_line(options):
    with open("/dev/full", "w") as full:
        done = started(*options, stdout=full)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("compare.py: error: ")
    assert "No space left on device" in line


# --- Its end ---


def marked(mark: str) -> dict[int, str]:
    """The processes with a mark in their environment, and their command lines."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_text(errors="replace"):
                found[int(path.parent.name)] = path.with_name("cmdline").read_text().replace("\0", " ")
    return found


@pytest.fixture
def mark() -> Iterator[str]:
    """What marks every process that a test starts; should one be left, it is killed at the end."""
    mark = uuid.uuid4().hex
    yield mark
    for pid in marked(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def children(pid: int) -> Iterator[str]:
    """The command lines of the children of a process, whichever of its threads has started them."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                yield Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look, and look again: there is no event to wait for."""
    until_s = time.monotonic() + DEADLINE_S
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until_s
        os.sched_yield()


ONE_RUN_OF_THE_FIRST = """
import compare, dataclasses
from comparison.play import runner
units = runner.units
def once(whole):
    if whole.scenario.name == "one-byte":
        return units(dataclasses.replace(whole, turns=[turn for turn in whole.turns if turn[1] == 1]))
    waits = dataclasses.replace(whole.scenario, options=("--pause", "600"))
    return units(dataclasses.replace(whole, scenario=waits))
runner.units = once
sys.exit(compare.main())
"""
"""compare.py that runs the pairings of one scenario once, whatever is asked for; those of the next do not end."""


PHASES = {"asking the interpreter": " -c ", "running a server": "_impl.server", "running a client": "_impl.client"}


@pytest.mark.parametrize(("phase", "number"), in_turns(PHASES, [signal.SIGINT, signal.SIGTERM]))
def test_an_interrupted_run_says_so_and_leaves_no_process_behind(number, phase, mark):
    command = [sys.executable, COMPARE, "--repeat", "1000"]
    with subprocess.Popen(
        command,
        env=environment(MARK_OF_TEST=mark),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            wait_until(lambda: any(PHASES[phase] in child for child in children(process.pid)), process)
            if number == signal.SIGINT:
                os.killpg(process.pid, number)  # a terminal sends it to everyone in the foreground
            else:
                process.send_signal(number)
            output = process.communicate(timeout=DEADLINE_S)
            # A question to an interpreter ends by itself, and may do so after us.
            left = [command for command in marked(mark).values() if "_impl." in command]
        finally:
            process.kill()
    assert (process.returncode, *output) == (130, "", "compare.py: interrupted; every endpoint was stopped\n")
    assert left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_what_is_done_when_a_run_is_interrupted_is_kept_and_shown(number, mark, tmp_path):
    options = ("--scenario", "one-byte,tutorial", "--repeat", "1000", "--jobs", "1", "--format", "json")
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {ONE_RUN_OF_THE_FIRST}"
    with subprocess.Popen(
        [sys.executable, "-c", program, *ONE, *options, "--save", str(tmp_path / "saved")],
        env=environment(MARK_OF_TEST=mark),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            result = tmp_path / "saved" / "one-byte-tcp" / "result.json"
            done = [result.exists, lambda: any("_impl.server" in child for child in children(process.pid))]
            wait_until(lambda: all(happened() for happened in done), process)
            process.send_signal(number)
            shown, said = process.communicate(timeout=DEADLINE_S)
            left = [command for command in marked(mark).values() if "_impl." in command]
        finally:
            process.kill()
    assert (process.returncode, said) == (130, "compare.py: interrupted; 1 run in 1 scenario of 2 were judged\n")
    document = json.loads(shown)
    assert [comparison["scenario"]["name"] for comparison in document["comparisons"]] == ["one-byte"]
    assert json.loads(result.read_text())["comparisons"] == document["comparisons"]
    assert left == []


HANGS_FROM_THE_FOURTH_ON = """
echo >> {folder}/started
[ "$(wc -l < {folder}/started)" -lt 4 ] || {{ touch {folder}/hangs; exec sleep 1000; }}
exec {python} {echo} client "$@"
"""


def test_each_run_that_has_ended_when_ctrl_c_comes_is_kept_and_judged(mark, tmp_path):
    """Though they are all of one server, which still runs."""
    script = HANGS_FROM_THE_FOURTH_ON.format(
        folder=tmp_path, python=sys.executable, echo=ROOT / "tests" / "plain_echo.py"
    )
    mine = ("--endpoint", "mine", "--client-command", f"{program_file(tmp_path / 'mine', script)} {{host}} {{port}}")
    options = (*mine, *TWO, "--client", "mine", "--repeat", "10", "--jobs", "1", "--format", "json")
    saved = tmp_path / "saved"
    with subprocess.Popen(
        [sys.executable, COMPARE, *options, "--save", str(saved)],
        env=environment(MARK_OF_TEST=mark),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until((tmp_path / "hangs").exists, process)
            process.send_signal(signal.SIGINT)
            shown, said = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
    assert (process.returncode, said) == (130, "compare.py: interrupted; 3 runs in 1 scenario of 1 were judged\n")
    [cell] = json.loads(shown)["comparisons"][0]["cells"]
    assert (cell["verdict"], cell["repeat"], cell["agreed"]) == ("reference", 3, 3)
    assert marked(mark) == {}
    again = run("judge", str(saved), "--format", "json")
    assert (again.returncode, again.stdout, again.stderr) == (0, shown, "")


def test_a_run_that_ends_by_itself_leaves_no_process_behind(mark):
    assert started(*ONE, env=environment(MARK_OF_TEST=mark)).returncode == 0
    assert marked(mark) == {}


def test_exit_code_1_when_something_is_wrong(monkeypatch):
    streams = endpoints.IMPLEMENTATIONS["streams"]
    # A third implementation, whose client prints a poem instead.
    poet = tuple(word.replace("streams_impl.client", "this") for word in streams.client)
    monkeypatch.setitem(endpoints.IMPLEMENTATIONS, "third", endpoints.Commands(streams.server, poet))
    done = run("--loop", "asyncio", "--server", "streams", "--format", "json")
    document = json.loads(done.stdout)
    verdicts = {cell["client"]: cell["verdict"] for cell in document["comparisons"][0]["cells"]}
    assert verdicts == {"streams/asyncio": "reference", "protocol/asyncio": "alike", "third/asyncio": "failed"}
    assert (done.returncode, document["exit_code"]) == (1, 1)


def test_a_client_hears_ctrl_c_though_the_engine_was_started_in_the_background():
    options = "--scenario interrupted --client streams/asyncio --loop asyncio"
    command = f"trap '' INT; exec {shlex.quote(sys.executable)} compare.py run {options}"
    process = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stdout + process.stderr
