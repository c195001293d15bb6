"""compare.py in odd surroundings: streams that are closed, other locales, odd names, other systems, odd files."""

import argparse
import contextlib
import dataclasses
import json
import os
import random
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import recorded_bench
import recorded_page
from harness import DEADLINE_S, ROOT, in_turns
from test_compare_cli import run as here

from comparison import files, shapes
from comparison.bench import results
from comparison.bench.plan import Sample
from comparison.endpoints import third_party
from comparison.model import CannotCompare
from comparison.report import export

COMPARE = str(ROOT / "compare.py")
ONE = ("--loop", "asyncio", "--server", "streams", "--client", "streams")
"""The options of the shortest comparison there is."""

BENCH = str(ROOT / "tests" / "golden" / "bench-1.json")
SURVEY = "survey.json"
"""A saved result, in the folder where each test is."""

LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1": {"LANG": "xx.ISO-8859-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii streams": {"PYTHONIOENCODING": "ascii:strict"},
    "none": {"PYTHONCOERCECLOCALE": "0"},
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Whoever reads a saved result finds one."""
    (tmp_path / SURVEY).write_text(export.to_json(recorded_page.survey()))
    monkeypatch.chdir(tmp_path)


def environment(**more: str) -> dict[str, str]:
    """What a shell would give, without what the person who runs the tests has set."""
    unwanted = ("PYTHON", "ECHO_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LC_", "LANG")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)} | more


def run(*options: str | bytes, python: tuple[str, ...] = (), **more: object) -> subprocess.CompletedProcess[bytes]:
    """Run compare.py to its end; what it wrote are bytes."""
    more = {"stdin": subprocess.DEVNULL, "capture_output": True, "env": environment(), **more}
    return subprocess.run([sys.executable, *python, COMPARE, *options], timeout=DEADLINE_S, check=False, **more)


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    """The one line of an error, without its head."""
    assert (done.returncode, done.stdout) in ((2, b""), (2, "")), done
    (line,) = (os.fsdecode(done.stderr) if isinstance(done.stderr, bytes) else done.stderr).splitlines()
    assert line.startswith("compare.py: error: ")
    return line.removeprefix("compare.py: error: ")


def program_file(path: Path | bytes, script: str, python: str = sys.executable) -> str:
    """A program in Python, ready to be started."""
    Path(os.fsdecode(path)).write_text(f"#!{python}\n{script}\n")
    os.chmod(path, 0o755)
    return os.fsdecode(path)


def shell_words(line: bytes) -> list[bytes]:
    """A command as the shell of a user takes it."""
    shell = ["bash", "-c", b"printf '%s\\0' " + line]
    return subprocess.run(shell, capture_output=True, check=True).stdout.split(b"\0")


# --- Standard streams that are closed, or that take nothing ---

COMMANDS = {
    "run": (*ONE, "--scenario", "nothing", "--output", "result"),
    "run to a stream": ("run", *ONE, "--scenario", "nothing"),
    "explain": ("explain",),
    "explain with an example": ("explain", "eof-callback", *ONE),
    "list": ("--list", "--loop", "asyncio"),
    "bench": (
        *("bench", "--loop", "asyncio", "--server", "streams", "--workload", "echo", "--rounds", "1"),
        *("--sample", "0.05", "--size", "64", "--connections", "2"),
    ),
    "bench of a file": ("bench", "--load", BENCH, "--output", "result"),
    "soak": ("soak", "--loop", "asyncio", "--server", "streams", "--minutes", "0.002", "--save", "result"),
    "report": ("report", "-o", "result", SURVEY),
    "report to a stream": ("report", "--format", "markdown", SURVEY),
    "help": ("--help",),
    "what makes no sense": ("--colour",),
}


@pytest.mark.parametrize(("command", "closed"), in_turns(COMMANDS, [">&-", "<&- >&- 2>&-", "2>&-"]))
def test_a_closed_stream_changes_neither_the_work_nor_the_exit_code(command, closed, tmp_path):
    if command in ("bench", "soak"):
        pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")
    words = shlex.join([sys.executable, COMPARE, *COMMANDS[command]])
    shell = {"cwd": tmp_path, "env": environment(), "timeout": DEADLINE_S, "capture_output": True, "check": False}
    done = subprocess.run(["sh", "-c", f"{words} {closed}"], **shell)
    assert done.returncode == (2 if command == "what makes no sense" else 0), done
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "result").exists() == ("result" in COMMANDS[command])


@pytest.mark.parametrize(("options", "code"), [(COMMANDS["run"], 0), (COMMANDS["report"], 0), (("--colour",), 2)])
def test_whoever_cannot_be_told_of_an_error_is_not_told(options, code, tmp_path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, COMPARE, *options], stderr=full, stdout=subprocess.PIPE, cwd=tmp_path, check=False
        )
    assert (done.returncode, done.stdout) == (code, b"")


# --- Letters that are not there ---


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_is_written_in_any_locale(locale, tmp_path):
    odd = tmp_path / "größe"
    odd.mkdir()
    env = environment(**LOCALES[locale])
    options = (*ONE, "--scenario", "every-byte", "--raw", "--save", str(odd / "saved"), "--output", str(odd / "result"))
    for more in (options, options[:-4]):
        done = run(*more, env=env, cwd=odd)
        assert (done.returncode, done.stderr) == (0, b"")
    text = (odd / "result").read_text("utf-8")
    assert "1 pairing in " in " ".join(text.split())
    saved = {path.name for path in (odd / "saved" / "every-byte-tcp").iterdir()}
    assert {"result.json", "streams-asyncio--streams-asyncio"} <= saved
    (commands,) = (odd / "saved").glob("*/*/commands.txt")
    assert os.fsencode(odd) + b"/saved/every-byte-tcp/payload" in shell_words(commands.read_bytes().splitlines()[-1])


@pytest.mark.parametrize(
    ("command", "locale"), in_turns(["explain", "bench of a file", "report", "report to a stream"], LOCALES)
)
def test_the_other_commands_too(command, locale, tmp_path):
    done = run(*COMMANDS[command], env=environment(**LOCALES[locale]), cwd=tmp_path)
    assert done.returncode == 0, done
    assert b"Traceback" not in done.stderr


def test_a_terminal_that_has_few_letters_gets_no_others():
    """What is drawn is the same everywhere."""
    done = run(*ONE, "--scenario", "nothing", env=environment(PYTHONIOENCODING="utf-8"))
    assert done.stdout.isascii()
    assert b"server / client" in done.stdout


def test_a_folder_whose_name_is_no_text_can_be_saved_into(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff"
    done = run(*ONE, "--scenario", "every-byte", "--save", folder)
    assert (done.returncode, done.stderr) == (0, b"")
    (commands,) = Path(os.fsdecode(folder)).glob("*/*/commands.txt")
    assert folder + b"/every-byte-tcp/payload" in shell_words(commands.read_bytes().splitlines()[-1])


def test_an_interpreter_whose_path_is_no_text_takes_part(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)
    (tmp_path / "python").symlink_to(sys.executable)
    wrapper = folder + b"/python"
    Path(os.fsdecode(wrapper)).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    os.chmod(wrapper, 0o755)
    paths = os.fsencode(sys.executable) + b"," + wrapper
    more = ("--scenario", "nothing", "--server", "streams", "--client", "streams", "--loop", "asyncio")
    done = run("--python", paths, *more, "--save", "saved", "--output", "text", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    (saved,) = (tmp_path / "saved").glob("*/result.json")
    for form in ("html", "markdown"):
        done = here("report", str(saved), "--format", form, "-o", form, cwd=tmp_path)
        assert done.returncode == 0
    texts = [path.read_text("utf-8") for path in (tmp_path / "text", saved, tmp_path / "html")]
    assert ["udcff" in text for text in texts] == [True] * 3
    # What it suggests brings the same again.
    assert r"/\377/python" in texts[0].rpartition("Next: ")[2]
    done = run("--python", b"/nonexistent/\xff")
    assert said(done).startswith("--python '/nonexistent/\\udcff' is no Python that can be run")


ECHO = """
import contextlib, signal, socket, sys, threading
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
def echo(peer):
    with peer, contextlib.suppress(OSError):
        while data := peer.recv(65536):
            peer.sendall(data)
listener = socket.create_server(({host!r}, {port}), family=socket.AF_INET6 if ":" in {host!r} else socket.AF_INET)
while True:
    threading.Thread(target=echo, args=listener.accept()[:1], daemon=True).start()
"""
"""A server that knows nothing of the contract, and says nothing."""


def own_port(path: Path, host: str = "127.0.0.1") -> tuple[str, int]:
    """A server that always listens on the same port: its command, and the port, which no other is given by chance."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in random.sample(range(20_000, 30_000), 100):  # the kernel gives away those above 32767
        with contextlib.suppress(OSError), socket.create_server((host, port), family=family):
            break
    return program_file(path, ECHO.format(host=host, port=port)), port


def test_the_name_of_a_process_may_be_cut_in_the_middle_of_a_letter(tmp_path):
    # The kernel keeps 15 bytes of it.
    command, port = own_port(tmp_path / "aüüüüüüüüüü")
    done = here(
        *("--endpoint", "mine", "--server-command", command, "--server-address", f"127.0.0.1:{port}"),
        *("--loop", "asyncio", "--server", "mine", "--client", "streams", "--scenario", "one-byte"),
        *("--format", "json"),
    )
    assert done.returncode == 0, done
    (cell,) = json.loads(done.stdout)["comparisons"][0]["cells"]
    assert cell["runs"][0]["server"]["peak_bytes"] > 1024 * 1024


def test_every_file_is_opened_with_its_encoding(tmp_path):
    checks = ("-X", "warn_default_encoding", "-W", "error::EncodingWarning")
    for options in (
        (*ONE, "--scenario", "every-byte", "--save", "saved", "--output", "result"),
        COMMANDS["bench of a file"],
        ("report", SURVEY, "-o", "page.html", "--format", "html"),
        ("report", SURVEY, BENCH, "-o", "page.md", "--format", "markdown"),
    ):
        done = run(*options, python=checks, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()


# --- The size of a terminal ---


@pytest.fixture(scope="module")
def without_a_size():
    """What is shown where no size is set."""
    return run("bench", "--load", BENCH).stdout


@pytest.mark.parametrize("size", ["0", "-5", "abc", "", "²", "1e3", "99999999999"])
def test_a_size_that_makes_no_sense_counts_as_not_set(size, without_a_size):
    done = run("bench", "--load", BENCH, env=environment(COLUMNS=size, LINES=size))
    assert done.returncode == 0
    assert done.stdout == without_a_size != b""


def test_however_narrow_a_terminal_is_nothing_is_lost():
    options = ("--loop", "asyncio", "--scenario", "nothing")
    narrow, wide = (here(*options, env=environment(COLUMNS=columns)).stdout for columns in ("1", "200"))
    words = {word for word in wide.split() if word.isalpha()}
    assert words - set("".join(narrow.split()).split()) - {w for w in words if w in "".join(narrow.split())} == set()


# --- Files that were written by somebody else ---

NO_RESULTS = {
    "text": b"# README",
    "nothing": b"",
    "bytes": b"\xff\x00\xfe",
    "other bytes": b"{\x80",
    "a list": b"[1]",
    "null": b"null",
    "a number": b"7",
    "no number": b"NaN",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a huge number": b'{"schema": 1' + b"0" * 5000 + b"}",
    "a fraction": b'{"schema": 2.5}',
    "no schema": b"{}",
    "a newer schema": b'{"schema": 99}',
    "nothing else": b'{"schema": 2}',
}


@pytest.mark.parametrize("content", NO_RESULTS.values(), ids=NO_RESULTS)
def test_a_file_of_another_kind_is_refused_in_one_line(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    for command in (("bench", "--load"), ("report",), ("report", "--scenario", "nothing", "--bench")):
        assert "'file'" in said(here(*command, "file", cwd=tmp_path))


def test_what_is_no_file_is_refused_in_one_line(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    cases = {"fifo": "nobody writes", "/dev/zero": "a device", ".": "Is a directory", "nosuch": "No such file"}
    for command, wanted in {"bench --load": "bench --save", "report": "--format json"}.items():
        for name, reason in cases.items():
            line = said(here(*command.split(), name, cwd=tmp_path))
            assert f"'{name}' cannot be read (" in line
            assert reason in line
            assert line.endswith(f"name a file that {wanted} has written")


@pytest.mark.parametrize("options", [("bench", "--load", BENCH), ("report", "--format", "markdown", SURVEY)])
def test_a_result_may_come_through_a_pipe(options, tmp_path):
    *words, path = options
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(Path(path).read_bytes(),))
    writer.start()
    piped = here(*words, str(tmp_path / "fifo"))
    writer.join()
    assert (piped.returncode, piped.stderr) == (0, "")
    assert here(*options).stdout.startswith(piped.stdout.rstrip())
    assert "fifo" not in piped.stdout, "what came through a pipe cannot be read again"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"environment": []}, "it.environment is no"),
        ({"settings": {"sample_s": float("nan")}}, "it.settings['sample_s'] is no float"),
        ({"arms": []}, "nobody has measured 'echo/1024/10'"),
        ({"cells": []}, "has no place"),
    ],
)
def test_a_result_whose_parts_make_no_sense_is_refused(change, why):
    document = json.loads(Path(BENCH).read_text())
    with pytest.raises(CannotCompare, match=r"^'file' is not a file that bench --save has written \(") as error:
        results.from_json(json.dumps(document | change), "file")
    assert why in str(error.value)


def test_a_shape_names_the_place_that_does_not_fit():
    (sample, *_) = recorded_bench.results(rounds=1).samples
    assert shapes.make(Sample, sample) == sample
    assert shapes.make(Sample, json.loads(json.dumps(dataclasses.asdict(sample)))) == sample
    for field, value in {
        "round": True,
        "values": {"per_s": float("inf")},
        "troubles": (1,),
        "latencies": {"1": "1"},
    }.items():
        broken = vars(sample) | {field: value}
        with pytest.raises(TypeError, match=f"it.{field}"):
            shapes.make(Sample, broken)


# --- Places to which nothing can be written ---


@pytest.mark.parametrize("folder", [False, True])
def test_where_nothing_can_be_written_is_said_before_anything_is_done(folder, tmp_path):
    (tmp_path / "file").touch()
    os.symlink("loop", tmp_path / "loop")
    refused = {
        tmp_path if not folder else tmp_path / "file": "is a file; name a folder" if folder else "is a folder",
        tmp_path / "file" / "below": "it cannot be written (Not a directory); name another",
        tmp_path / "loop": "it cannot be written (Too many levels of symbolic links); name another",
        tmp_path / ("long" * 100): "it cannot be written (File name too long); name another",
        tmp_path / "no" / "such": "its folder cannot be written; make it or name another",
    }
    for path, why in refused.items():
        with pytest.raises(argparse.ArgumentTypeError) as error:
            files.target(str(path), folder=folder)
        assert str(error.value).startswith(repr(str(path)))
        assert why in str(error.value)
    for path in (tmp_path / "new", tmp_path if folder else tmp_path / "file"):
        assert files.target(str(path), folder=folder) == path


def test_a_file_that_may_be_written_may_lie_in_a_folder_that_may_not(tmp_path, monkeypatch):
    for name in ("may", "must-not"):
        (tmp_path / name).touch()
    allowed = tmp_path / "may"
    monkeypatch.setattr(os, "access", lambda place, _: place == allowed)  # root may write everywhere
    assert files.target(str(allowed)) == allowed
    files.replace(allowed, "text")
    assert (allowed.read_text(), len(list(tmp_path.iterdir()))) == ("text", 3)
    for name, remedy in {"must-not": "name another", "new": "make it or name another", ".": "name another"}.items():
        with pytest.raises(argparse.ArgumentTypeError, match=f"cannot be written; {remedy}$"):
            files.target(str(tmp_path / name), folder=name == ".")


def test_what_is_replaced_is_whole_and_what_is_no_file_stays_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("file")
    taken: list[str] = []
    reader = threading.Thread(target=lambda: taken.append((tmp_path / "fifo").read_text()))
    reader.start()
    for name in ("fifo", "link", "x" * 255):
        files.replace(tmp_path / name, "text")
    reader.join()
    assert (taken, (tmp_path / "fifo").is_fifo()) == (["text"], True)
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "file").read_text()) == (True, "text")
    assert {path.name for path in tmp_path.iterdir()} == {"fifo", "link", "file", "x" * 255, SURVEY}


# --- Loops that are none ---

LOOPS = {
    "streams.foo:bar": "there is no module 'streams'; name one that Python finds",
    "os.foo:bar": "there is no module 'os.foo'; name one that Python finds",
    "no_such:new": "there is no module 'no_such'; name one that Python finds",
    "..:new": "cannot be imported (TypeError(",
    "a b:c": "there is no module 'a b'; name one that Python finds",
    "a\nb:c": "there is no module 'a\\nb'; name one that Python finds",
    "README:new": "there is no module 'README'; name one that Python finds",
    "json:nosuch": "module json has no function 'nosuch'; name the one that makes a loop",
    "builtins:list": "cannot be made (TypeError('[] is no event loop'))",
    "json:loads": "cannot be made (TypeError(",
    "asyncio.base_events:BaseEventLoop": "cannot be made (AttributeError(",
    "streams_impl.server:main": "cannot be made (SystemExit(2))",
    "raises:new": "cannot be imported (RuntimeError('a\\nb'))",
    "leaves:new": "cannot be imported (SystemExit(3))",
    "dies:new": "cannot be tried (exit code 3)",
    "needs:new": "there is no module 'no_such'; name one that Python finds",
    "asks:new": "cannot be imported (EOFError(",
}
MODULES = {
    "raises": "raise RuntimeError('a\\nb')",
    "leaves": "import sys; sys.exit(3)",
    "dies": "import os; os._exit(3)",
    "needs": "import no_such",
    "asks": "input()",
    "talks": "print('hello'); import asyncio, threading; new = asyncio.new_event_loop\n"
    "threading.Thread(target=threading.Event().wait).start()",
}


@pytest.fixture
def python_with_modules(tmp_path):
    """An interpreter that finds the modules above."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(tmp_path))} exec {shlex.quote(sys.executable)} "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(("loop", "why"), LOOPS.items(), ids=map(repr, LOOPS))
def test_what_is_no_loop_is_said_and_nothing_to_install_is_guessed(loop, why, python_with_modules):
    line = said(here("--list", "--python", python_with_modules, "--loop", loop))
    assert f"event loop {loop!r}" in line
    assert why in line
    assert "pip install" not in line


def test_a_module_may_talk_while_it_is_imported(python_with_modules):
    done = here("--list", "--python", python_with_modules, "--loop", "talks:new")
    assert (done.returncode, done.stderr) == (0, "")
    assert "streams/talks:new" in done.stdout


# --- A server with a port of its own ---


def with_own_port(path: Path, host: str = "127.0.0.1") -> tuple[tuple[str, ...], int]:
    """The options that name such a server as an endpoint, and its port."""
    command, port = own_port(path, host)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ("--endpoint", "mine", "--server-command", command, "--server-address", address), port


def test_a_server_with_a_port_of_its_own_takes_part(tmp_path):
    options, port = with_own_port(tmp_path / "echo")
    done = here(
        *options,
        *("--loop", "asyncio", "--server", "streams,mine", "--client", "streams", "--repeat", "2", "--jobs", "4"),
        *("--scenario", "one-byte,reset-mid-stream", "--format", "json", "--save", str(tmp_path / "saved")),
    )
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    for comparison in document["comparisons"]:
        assert {cell["server"]: cell["verdict"] for cell in comparison["cells"]}["mine"] != "skipped"
    (mine,) = [endpoint for endpoint in document["endpoints"] if endpoint["label"] == "mine"]
    assert mine["server_address"] == ["127.0.0.1", port]
    assert f"--port {port}" in (tmp_path / "saved/one-byte-tcp/mine--streams-asyncio/commands.txt").read_text()
    (tmp_path / "result").write_text(done.stdout)
    page = here("report", str(tmp_path / "result"), "-o", str(tmp_path / "page.html"))
    assert page.returncode == 0, page
    assert f"--server-address 127.0.0.1:{port}" in (tmp_path / "page.html").read_text("utf-8")


def test_it_may_listen_on_ipv6_over_any_transport(tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    options, _ = with_own_port(tmp_path / "echo", "::1")
    more = ("--loop", "asyncio", "--server", "mine", "--client", "streams", "--scenario", "one-byte,stops-sending")
    done = here(*options, *more[:-1], "one-byte,reset-mid-stream", "--transport", "tcp,tcp6", "--format", "json")
    assert done.returncode == 0, done
    cells = [cell for comparison in json.loads(done.stdout)["comparisons"] for cell in comparison["cells"]]
    assert [cell["verdict"] for cell in cells if cell["verdict"] in ("failed", "skipped")] == []


def test_it_is_skipped_over_ipv6_where_it_has_none(tmp_path):
    options, _ = with_own_port(tmp_path / "echo")
    line = here(*options, "--loop", "asyncio", "--server", "mine", "--transport", "tcp6", "--format", "markdown")
    assert line.returncode == 2
    assert "mine listens on 127.0.0.1, which is not IPv6" in line.stdout


def test_where_its_port_is_taken_it_is_skipped_with_the_reason(tmp_path):
    options, port = with_own_port(tmp_path / "echo")
    with socket.create_server(("127.0.0.1", port)):
        done = here(
            *(*options, "--loop", "asyncio", "--server", "mine", "--client", "streams"),
            *("--scenario", "tutorial,one-byte,reset-mid-stream", "--format", "json"),
        )
    assert (done.returncode, done.stderr) == (2, "")
    cells = [cell for comparison in json.loads(done.stdout)["comparisons"] for cell in comparison["cells"]]
    reason = f"somebody else listens on 127.0.0.1 port {port}, where this server always does; end that first"
    assert [(cell["verdict"], cell["reason"]) for cell in cells] == [("skipped", reason)] * 3


@pytest.mark.usefixtures("programs_start_afresh")
def test_it_is_measured_and_soaked(tmp_path):
    pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")
    options, _ = with_own_port(tmp_path / "echo")
    only = (*options, "--loop", "asyncio", "--server", "mine", "--client", "streams", "--save", "file")
    done = here("bench", *only, "--workload", "echo", "--rounds", "1", "--sample", "0.01", cwd=tmp_path)
    assert done.returncode == 0, done
    samples = json.loads((tmp_path / "file").read_text())["samples"]
    assert {sample["arm"] for sample in samples} >= {"mine"}
    assert [sample["troubles"] for sample in samples if "mine" in sample["arm"] and sample["troubles"]] == []
    assert here("bench", "--load", "file", cwd=tmp_path).returncode == 0
    done = here("soak", *only, "--minutes", "0.01", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    (server,) = json.loads((tmp_path / "file").read_text())["servers"]
    assert server["looks"]
    assert [trouble for trouble in server["troubles"] if "listens" in trouble or "started" in trouble] == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "10000",
        "localhost",
        "localhost:",
        ":10000",
        "localhost:0",
        "localhost:70000",
        "localhost:²",
        "::1:80",
        "a b:1",
        "[::1]",
        "[::1:80",
        "::1]:80",
        "[localhost]:80",
        "localhost:80:81",
        "localhost:80\n",
        "localhost:-1",
    ],
)
def test_an_address_that_is_none_is_refused_in_one_line(address):
    line = said(here("--endpoint", "mine", "--server-command", "serve", "--server-address", address))
    assert "--server-address" in line
    assert "give HOST:PORT such as localhost:10000 or [::1]:10000" in line


@pytest.mark.parametrize("host", ["a..b", "a" * 300, "no.such.invalid"])
def test_a_host_that_nobody_knows_is_refused(host):
    with pytest.raises(CannotCompare, match=f"^--server-address '{host}:80': no host has that name; give one"):
        third_party("mine", "serve", None, f"{host}:80")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("--endpoint mine --server-command serve", "or say with --server-address HOST:PORT where it always listens"),
        ("--endpoint mine --client-command ask", "or wrap one that always has the same in a script"),
        ("--endpoint mine --client-command ask{port} --server-address a:1", "where a --server-command listens"),
    ],
)
def test_a_command_without_a_port_is_answered_with_the_remedy(options, why):
    assert why in said(here(*options.split()))


# --- Other systems ---

OTHER_SYSTEM = """
import os, runpy, select, signal, socket, sys, time, resource
import asyncio, pathlib, tempfile, shutil, subprocess, json  # they look at the system once, and are not on trial
gone = {gone!r}
for name in gone:
    holder, _, attribute = name.partition(".")
    if attribute:
        vars(sys.modules[holder]).pop(attribute, None)
    else:
        sys.modules[holder] = None
{more}
sys.argv[0] = {compare!r}
sys.path.insert(0, {root!r})
runpy.run_path({compare!r}, run_name="__main__")
"""


def on_another_system(gone: str, more: str, *options: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run compare.py where modules and functions are gone that Linux has."""
    script = OTHER_SYSTEM.format(gone=gone.split(), more=more, compare=COMPARE, root=str(ROOT))
    return subprocess.run(
        [sys.executable, "-c", script, *options],
        env=environment(),
        cwd=cwd,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )


ON_WINDOWS = "resource fcntl pwd grp termios pty select.epoll select.poll signal.SIGKILL signal.pthread_sigmask "
ON_WINDOWS += "os.killpg os.sched_getaffinity os.sched_setaffinity os.O_NONBLOCK socket.AF_UNIX"


@pytest.mark.parametrize("faked", ["sys.platform = 'win32'", "os.name = 'nt'"])
@pytest.mark.parametrize("options", [(), ("--list",), ("bench",), ("report", SURVEY), ("--help",)])
def test_windows_is_told_in_one_line_what_runs_there(options, faked, tmp_path):
    done = on_another_system(ON_WINDOWS, faked, *options, cwd=tmp_path)
    line = said(done)
    for part in ("Windows", "by hand", "python -m streams_impl.server", "protocol_impl"):
        assert part in line


ON_MACOS = "os.sched_getaffinity os.sched_setaffinity resource.prlimit select.epoll socket.TCP_CORK"
NO_PROC = """
import builtins, io
sys.platform = "darwin"
real = {"open": builtins.open, "os.open": os.open, "clock": time.clock_gettime}
def refuse(path):
    if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(("/proc", "/sys")):
        raise FileNotFoundError(2, "No such file or directory", path)
def opened(path, *words, **more):
    refuse(path)
    return real["open"](path, *words, **more)
def clock(number):
    if number < 0:
        raise OSError(22, "Invalid argument")
    return real["clock"](number)
builtins.open = io.open = opened
time.clock_gettime = clock
"""


@pytest.mark.parametrize("command", ["run", "explain", "explain with an example", "list", "report"])
def test_macos_misses_nothing(command, tmp_path):
    done = on_another_system(ON_MACOS, NO_PROC, *COMMANDS[command], cwd=tmp_path)
    assert done.returncode == 0, done


def test_on_macos_the_benchmark_says_what_it_lacks(tmp_path):
    pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")
    done = on_another_system(
        ON_MACOS,
        "import psutil, sysconfig\nsysconfig.get_config_vars()\n" + NO_PROC,
        *COMMANDS["bench"],
        "--format",
        "json",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert document["samples"]
    assert [sample["troubles"] for sample in document["samples"] if sample["troubles"]] == []
    (note,) = [note for note in document["notes"] if "core" in note]
    assert note.startswith("server and load are not bound to a core of their own")


# --- What else may be odd ---

ODD = {
    "no home": {"HOME": None},
    "no folder for what is temporary": {"TMPDIR": "/nonexistent"},
    "no path": {"PATH": ""},
    "no language": {"LANG": None, "LC_ALL": None},
    "optimised": {"PYTHONOPTIMIZE": "2"},
    "another start": {"PYTHONSTARTUP": "/nonexistent", "PYTHONPATH": "/nonexistent"},
    "no terminal": {"TERM": None},
    "a dumb terminal": {"TERM": "dumb"},
    "an unknown terminal": {"TERM": "nosuch"},
    "no colours": {"NO_COLOR": "1", "FORCE_COLOR": "0"},
}


@pytest.mark.parametrize("variables", ODD.values(), ids=ODD)
def test_an_odd_environment_changes_nothing(variables, tmp_path):
    env = {name: value for name, value in (environment() | variables).items() if value is not None}
    done = run(*ONE, "--scenario", "every-byte", "--format", "json", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    (cell,) = json.loads(done.stdout)["comparisons"][0]["cells"]
    assert cell["verdict"] != "failed"


def test_the_folder_in_which_the_user_is_may_be_gone(tmp_path):
    words = [sys.executable, COMPARE, *ONE, "--scenario", "nothing", "--format", "markdown"]
    gone = f"mkdir gone; cd gone; rmdir ../gone; exec {shlex.join(words)}"
    shell = {"cwd": tmp_path, "env": environment(), "timeout": DEADLINE_S, "capture_output": True, "check": False}
    assert subprocess.run(["sh", "-c", gone], **shell).returncode == 0
    done = subprocess.run(["sh", "-c", f"{gone} --output result"], **shell)
    assert len(said(done).splitlines()) == 1


@pytest.mark.parametrize("name", [b"with spaces and {braces}", b"n\xff", b"long" * 50])
def test_the_project_may_lie_anywhere(name, tmp_path):
    place = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    for folder in ("behaviours", "common", "comparison", "streams_impl", "protocol_impl"):
        shutil.copytree(ROOT / folder, f"{place}/{folder}", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(COMPARE, place)
    for path in [place, *(str(path) for path in Path(place).rglob("*") if path.is_dir())]:
        os.chmod(path, 0o555)
    words = ("--loop", "asyncio", "--scenario", "every-byte", "--save", "saved", "--output", "result")
    for options in (words, ("report", SURVEY, "-o", "page.html"), ("bench", "--load", BENCH)):
        done = subprocess.run(
            [sys.executable, f"{place}/compare.py", *options],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done
    for path in [place, *(str(path) for path in Path(place).rglob("*") if path.is_dir())]:
        os.chmod(path, 0o755)


def test_too_few_files_are_no_traceback():
    for limit in (8, 12, 20):
        shell = f"ulimit -n {limit}; exec {shlex.join([sys.executable, COMPARE, *ONE, '--scenario', 'nothing'])}"
        done = subprocess.run(
            ["sh", "-c", shell], env=environment(), capture_output=True, timeout=DEADLINE_S, check=False
        )
        assert done.returncode in (0, 1, 2)
        assert b'File "' not in done.stderr
