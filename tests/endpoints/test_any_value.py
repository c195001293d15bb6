"""Any value of any option: it works, or one line says what to do instead; never a traceback.

Most of it runs the whole program in this process, against a peer that leaves at once; some of it runs real programs.
"""

import asyncio
import contextlib
import functools
import importlib
import io
import logging
import os
import re
import signal
import socket
import ssl
import threading

import pytest
from conftest import APIS, installed_loops
from harness import DEADLINE_S, EVERYTHING, HOST, Endpoint, assert_quiet, client_of, examples
from hypothesis import assume, example, given
from hypothesis import strategies as st

from common.client import run_client
from common.options import LINE_CHARACTERS, parse_client, parse_server
from common.server import run_server

PARSERS = {"server": parse_server, "client": parse_client}


def offered(role):
    """Every option of the role that its help names."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), pytest.raises(SystemExit):
        PARSERS[role](["--help"])
    return re.findall(r"^  (--[a-z-]+)", text.getvalue(), re.MULTILINE)


OPTIONS = {role: offered(role) for role in PARSERS}
NUMBERS = [
    "-1",
    "0",
    "1",
    "1e309",
    "1e300",
    "1e-320",
    "nan",
    "-inf",
    "9" * 30,
    "9" * 5000,
    "٣",
    "1_0",
    "²",
    "2147483648",
]
WORDS = [
    *(
        "",
        " ",
        ".",
        "..",
        "-",
        "--",
        ":",
        "::1",
        "*",
        "/",
        "/dev/null",
        "\0",
        "a\0b",
        "a\nmain: closing",
        "\u2028",
        "\x1b[2K",
    ),
    *(".localhost", "a..b", "a" * 70, "\udcff", "\ud800", "a b", "\x7f", "ß.example", "é" * 60, "\u00ad", "x." * 200),
    *("x" * 5000, "warning", "json", "os:getcwd", "sys:exit", "asyncio:AbstractEventLoop", ".:x", "os.:x", "%s", "{x}"),
]
VALUES = (
    st.text(st.characters(codec=None), max_size=80)
    | st.binary(max_size=80).map(os.fsdecode)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(NUMBERS + WORDS)
    | st.integers(100, 3000).flatmap(lambda size: st.sampled_from("x9é.\udcff").map(lambda one: one * size))
)


@contextlib.contextmanager
def peer_that_leaves():
    """The port of somebody who closes each connection at once."""
    with socket.create_server((HOST, 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):  # closed, which is the end
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(DEADLINE_S)


def words_of(role, option, value, port):
    """A command line that would do its work at once, were it not for the value."""
    words = {"server": ["--grace=0"], "client": ["--timeout=60"]}[role]
    if option != "--unix":
        words += [f"--host={HOST}", f"--port={port if role == 'client' else 0}"]
    if option == "--tls-key":
        words += ["--tls-cert=/dev/null"]
    return [*words, f"{option}={value}"]


def run_here(role, api, loop, words):
    """The exit code of a program that runs in this process, and its lines on standard error."""
    module = importlib.import_module(f"{api}_impl.{role}")
    errors, root, handlers = io.StringIO(), logging.getLogger(), logging.getLogger().handlers[:]
    level, signals = root.level, {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    async def start_and_stop(*arguments):
        server = await module.start(*arguments)
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        return server

    run = (
        functools.partial(run_server, start_and_stop)
        if role == "server"
        else functools.partial(run_client, module.echo_client)
    )
    try:
        with contextlib.redirect_stderr(errors):
            code = run(words if any(word.startswith("--loop") for word in words) else [*words, f"--loop={loop}"])
    except SystemExit as end:
        code = end.code
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for number, handler in signals.items():
            signal.signal(number, handler)
    return code, errors.getvalue().split("\n")[:-1]


REMEDY = r"give |use |choose |add |name |install it|mend it|leave |expected|\(all options: --help\)"


def assert_told_in_one_line(code, lines, option=""):
    """It worked, or each that failed says so in one line, or the usage error names the option and the remedy."""
    assert code in (0, 1, 2), lines
    assert [line for line in lines if "Traceback" in line or "Warning" in line or len(line.splitlines()) != 1] == []
    if code == 2:
        [line] = lines
        assert " error: " in line
        assert len(line) < LINE_CHARACTERS + 100
        assert re.search(REMEDY, line), line
        # A loop is named by what it is.
        assert option in line or (option == "--loop" and "event loop" in line), line
    else:
        failed = [line.partition(": ")[0] for line in lines if "ERROR" in line]
        assert bool(failed) == code, lines
        assert len(failed) == len(set(failed)), "somebody has failed twice"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A directory of its own: some values are paths."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("role", PARSERS)
def test_any_value_of_any_option_works_or_is_told_in_one_line(role, api, loop):
    with peer_that_leaves() as port:

        @examples(300)
        @given(st.sampled_from(sorted(set(OPTIONS[role]) - {"--host", "--port", "--help"})), VALUES)
        def any_value(option, value):
            assume(not (option in ("--unix", "--file") and value.startswith(("/", ".."))))  # somebody else's files
            assume(not (option == "--connections" and value.isdecimal() and 50 < int(value[:9]) <= 65535))
            assert_told_in_one_line(*run_here(role, api, loop, words_of(role, option, value, port)), option)

        any_value()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("role", PARSERS)
@pytest.mark.parametrize(("turn", "value"), list(enumerate(NUMBERS + WORDS)), ids=lambda value: ascii(value)[:20])
def test_each_value_that_was_ever_trouble_is_tried_with_every_third_option(role, turn, value):
    """Which third, is another from value to value; with every option where everything is tried."""
    step = 1 if EVERYTHING else 3
    options = [option for option in OPTIONS[role] if option not in ("--host", "--port", "--help", "--unix", "--file")]
    for option in options[turn % step :: step]:
        assert_told_in_one_line(*run_here(role, "streams", "asyncio", words_of(role, option, value, 1)), option)


@pytest.mark.usefixtures("elsewhere")
@examples(20)
@given(st.sampled_from(sorted(PARSERS)), st.data(), st.sampled_from(APIS), st.sampled_from(installed_loops()))
def test_any_value_is_told_in_one_line_by_the_programs_themselves(role, data, api, loop):
    option = data.draw(st.sampled_from(sorted(set(OPTIONS[role]) - {"--host", "--port", "--help", "--connections"})))
    value = os.fsdecode(data.draw(st.binary(max_size=60).filter(lambda value: b"\0" not in value)))
    assume(not (option in ("--unix", "--file") and value.startswith(("/", ".."))))
    with peer_that_leaves() as port, Endpoint(api, role, *words_of(role, option, value, port), loop=loop) as program:
        if role == "server":
            program.wait_for("starting up|error: |ERROR")
            code = program.process.poll() if "starting up" not in program.log else program.stop()
        code = program.end()
        assert_told_in_one_line(code, program.lines, option)


# --- Names and ports ---

CONTEXT = ssl.create_default_context()


@pytest.mark.parametrize("role", PARSERS)
@examples(300)
@example("*")
@example("fe80::1%eth0")
@example("localhost.")
@example("x" * 63 + "." + "y" * 63 + "." + "z" * 63 + "." + "w" * 63)
@given(VALUES | st.sampled_from(WORDS))
def test_any_host_is_a_name_for_resolvers_and_for_tls_or_a_usage_error(role, value):
    errors, names = io.StringIO(), []
    options = ["--host", "--tls-server-name"] if role == "client" else ["--host"]
    for option in options:
        try:
            with contextlib.redirect_stderr(errors):
                config = PARSERS[role]([f"{option}={value}"])
            names.append(config.host if option == "--host" else config.tls_server_name)
        except SystemExit as end:
            assert_told_in_one_line(end.code, errors.getvalue().splitlines()[-1:], option)
    for name in filter(None, names):
        assert name == value
        with contextlib.suppress(socket.gaierror):  # nobody is asked: it has to be an address
            socket.getaddrinfo(name, 1, flags=socket.AI_NUMERICHOST)
        CONTEXT.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    assert value or role == "server" or not names


NO_NAMES = {
    "starts-with-a-dot": ".localhost",
    "part-empty": "a..b",
    "part-too-long": "a" * 70,
    "not-utf-8": os.fsdecode(b"\xff\xfe"),
    "space": "local host",
    "line-break": "localhost\nmain: closing",
    "escape": "\x1b[2Klocalhost",
    "no-idna": "\u2028",
    "empty": "",
    "too-long": "a." * 150,
    "nothing-but-dots": "..",
}


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_a_name_that_tls_cannot_ask_for_is_refused_before_anybody_is_connected_to(api, loop, name):
    with (
        socket.create_server((HOST, 0)) as listener,
        client_of(api, loop, listener.getsockname()[1], "--tls-server-name", name) as client,
    ):
        assert client.end() == 2
        [line] = client.lines
        assert line.startswith(f"python -m {api}_impl.client: error: argument --tls-server-name: {name[:250]!r}"[:300])
        assert "give one without spaces, of at most 255 characters, 1 to 63 in each part between dots" in line
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("role", PARSERS)
@examples(200)
@given(VALUES)
def test_any_port_is_taken_or_a_usage_error(role, value):
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            assert 0 <= PARSERS[role]([f"--port={value}"]).port <= 65535
    except SystemExit as end:
        assert_told_in_one_line(end.code, errors.getvalue().splitlines(), "")


def test_a_server_whose_port_nobody_would_be_told_does_not_start(api, loop):
    for level in ("warning", "error"):
        with Endpoint(api, "server", "--port", "0", "--log-level", level, loop=loop) as server:
            assert server.end() == 2
            assert server.lines == [
                f"python -m {api}_impl.server: error: --port 0 with --log-level {level} tells nobody which port it "
                "took: give --log-level info, or a port (all options: --help)"
            ]


@pytest.mark.parametrize(
    "option", ["--log-level=warning --unix=socket", "--log-level=warning --port=1", "--log-level=info --port=0"]
)
def test_whoever_knows_where_it_listens_may_have_it_quiet(option):
    assert parse_server(option.split()).log_level in ("warning", "info")


# --- Long values ---


@pytest.mark.parametrize(
    ("role", "option", "remedy"),
    [
        ("server", "--port", "give a whole number from 0 to 65535"),
        ("server", "--log-level", "(choose from "),
        ("server", "--tls-cert", "give a PEM file"),
        ("client", "--file", "give the path of a readable file, or - for standard input"),
        ("client", "--tls-ca", "give a PEM file"),
        ("client", "--tls-server-name", "1 to 63 in each part between dots"),
        ("client", "--nothing", "(all options: --help)"),
    ],
)
def test_a_long_value_is_cut_so_that_the_option_and_the_remedy_show(role, option, remedy):
    code, [line] = run_here(role, "protocol", "asyncio", [f"{option}={'x' * 100_000}"])
    assert code == 2
    assert len(line) < LINE_CHARACTERS + 100
    assert f"{option} '{'x' * 50}" in line or f"{option}: " in line or f"{option}={'x' * 50}" in line
    assert remedy in line


# --- What the machine has not got ---

NO_THREADS = """
import threading
left, start = {left}, threading.Thread.start
def start_if_left(self):
    global left
    if left == 0:
        raise RuntimeError("can't start new thread")
    left -= 1
    start(self)
threading.Thread.start = start_if_left
"""


@pytest.mark.parametrize(
    "options",
    [
        ("--connections", "400", "--file", __file__),
        ("--host", HOST, "--connections", "400", "--file", __file__),
        ("--host", "fe80::1%lo"),
        (),
    ],
)
def test_a_client_that_gets_no_thread_says_so_once(api, loop, options):
    before = NO_THREADS.format(left=0)
    with Endpoint(api, "client", "--port", "1", *options, loop=loop, before=before) as client:
        assert client.end() == 1
        assert [line for line in client.lines if "Using selector" not in line] == [
            "main: ERROR can't start new thread: end other programs, or raise the limit (ulimit -u)",
            "main: closing event loop",
        ]


def test_a_client_that_gets_too_few_threads_to_look_up_a_name_says_so_once(api, loop):
    with Endpoint(
        api, "client", "--port", "1", "--connections", "9", loop=loop, before=NO_THREADS.format(left=2)
    ) as client:
        assert client.end() == 1
        assert len([line for line in client.lines if "ERROR" in line]) == 1
        assert_quiet(client)


def test_a_client_needs_one_thread_for_a_file_however_many_connections_it_has(api, loop):
    with Endpoint(api, "server", "--host", HOST, "--port", "0", "--log-level", "info", loop=loop) as server:
        options = ("--connections", "100", "--file", __file__, "--log-level", "warning")
        with client_of(api, loop, server.port(), *options, before=NO_THREADS.format(left=1)) as client:
            assert client.end() == 0, client.log
            assert client.lines == []


@pytest.mark.parametrize("role", PARSERS)
@pytest.mark.parametrize("files", [8, 31])
def test_a_process_that_may_open_next_to_nothing_says_which_limit_to_raise(api, loop, role, files):
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))"
    with Endpoint(api, role, "--port", "1", loop=loop, before=limit) as program:
        assert program.end() == 2
        [line] = program.lines
        assert line.endswith(f"error: {files} open files are too few: raise the limit (ulimit -n) to 32 at least")


# --- What the help says ---


def test_the_help_says_whom_the_limit_of_connections_does_not_count(capsys):
    with pytest.raises(SystemExit):
        parse_server(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "who waits in the backlog is not counted, nor who is in the handshake of TLS, which 10 s bound" in text
