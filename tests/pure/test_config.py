"""The command line: what is meant when nothing is said, what each option sets, and the remedy in each usage error."""

import dataclasses
import re

import pytest

from common.config import ClientConfig, ServerConfig
from common.options import parse_client, parse_server

ROLES = {"server": parse_server, "client": parse_client}

SHARED_DEFAULTS = {
    "host": "localhost",
    "port": 10000,
    "unix": None,
    "loop": "asyncio",
    "read_size": 65536,
    "log_level": "debug",
    "log_format": "plain",
    "tls_cert": None,
    "tls_key": None,
    "tls_ca": None,
}

SHARED_OPTIONS = [
    ("--host ::1", {"host": "::1"}),
    ("--port 65535", {"port": 65535}),
    ("--unix /tmp/echo.sock", {"unix": "/tmp/echo.sock"}),
    ("--loop uvloop", {"loop": "uvloop"}),
    ("--read-size 1", {"read_size": 1}),
    ("--log-level error", {"log_level": "error"}),
    ("--log-format json", {"log_format": "json"}),
    ("--tls-cert c.pem --tls-key k.pem", {"tls_cert": "c.pem", "tls_key": "k.pem"}),
    ("--tls-cert c.pem --tls-ca a.pem", {"tls_cert": "c.pem", "tls_ca": "a.pem"}),
]

OPTIONS = {
    "server": [
        *SHARED_OPTIONS,
        ("--host=", {"host": ""}),
        ("--port 0", {"port": 0}),
        ("--backlog 7", {"backlog": 7}),
        ("--max-connections 1", {"max_connections": 1}),
        ("--idle-timeout 0.5", {"idle_timeout_s": 0.5}),
        ("--grace 0", {"grace_s": 0.0}),
    ],
    "client": [
        *SHARED_OPTIONS,
        ("--message one --message=", {"messages": (b"one", b"")}),
        (f"--file {__file__}", {"file": __file__}),
        ("--file -", {"file": "-"}),
        ("--lockstep", {"lockstep": True}),
        ("--pause 0", {"pause_s": 0.0}),
        ("--connections 1000", {"connections": 1000}),
        ("--timeout 1e3", {"timeout_s": 1000.0}),
        ("--tls-server-name echo.example", {"tls_server_name": "echo.example"}),
        ("--unix s --tls-server-name echo.example", {"unix": "s", "tls_server_name": "echo.example"}),
    ],
}

A_PORT = "give a whole number from 0 to 65535"
A_COUNT = "a whole number from 1 to 2147483647"
A_NAME = "give one without spaces, of at most 255 characters, 1 to 63 in each part between dots"
A_PATH = "give one of at least 1 character, none of them NUL"

USAGE_ERRORS = [
    # role, command line, what the error must show: the option, the value, the remedy
    ("server", "--port 65536", ("--port", "'65536'", A_PORT)),
    ("server", "--port -1", ("--port", "'-1'", A_PORT)),
    ("client", "--port http", ("--port", "'http'", A_PORT)),
    ("client", "--port 0", ("port 0", "give the port that the server shows")),
    ("client", "--host=", ("--host ''", "give the server's name")),
    ("client", "--host a..b", ("--host", "'a..b'", A_NAME)),
    ("server", "--unix=", ("--unix", "''", A_PATH)),
    ("server", f"--unix {'x' * 108}", ("--unix 'xxx", "has 108 bytes", "use one of at most 107")),
    ("client", f"--unix {'é' * 54}", ("--unix", "has 108 bytes", "use one of at most 107")),
    ("server", "--unix s --port 1", ("--unix", "--host and --port", "leave those out")),
    ("client", "--unix s --host localhost", ("--unix", "--host and --port", "leave those out")),
    ("server", "--read-size 0", ("--read-size", "'0'", A_COUNT)),
    ("server", "--backlog 1.5", ("--backlog", "'1.5'", "a whole number")),
    ("server", "--backlog 2147483648", ("--backlog", "'2147483648'", A_COUNT)),
    ("server", "--max-connections 0", ("--max-connections", "'0'", A_COUNT)),
    ("server", "--idle-timeout 0", ("--idle-timeout", "'0'", "give more than 0, or leave the option out")),
    ("server", "--grace -1", ("--grace", "'-1'", "give 0 or more")),
    ("server", "--port 0 --log-level warning", ("--port 0", "--log-level warning", "give --log-level info, or a port")),
    ("server", "--log-level error --port 0", ("--port 0", "--log-level error", "give --log-level info, or a port")),
    ("server", "--grace inf", ("--grace", "'inf'", "give 0 or more")),
    ("server", "--tls-key k.pem", ("--tls-key", "add --tls-cert FILE")),
    ("server", "--tls-ca a.pem", ("--tls-ca", "add --tls-cert FILE")),
    ("client", "--tls-key k.pem", ("--tls-key", "add --tls-cert FILE")),
    ("client", "--unix s --tls-ca a.pem", ("--unix", "add --tls-server-name NAME")),
    ("client", "--message a --file -", ("--message and --file", "give the one or the other")),
    ("client", "--file - --connections 2", ("--file '-' can be read only once", "save it to a file", "--connections")),
    ("client", "--file no/such", ("--file 'no/such'", "give the path of a readable file, or - for standard input")),
    ("client", "--file /", ("--file '/'", "is a directory", "give the path of a file")),
    ("client", "--pause nan", ("--pause", "'nan'", "give 0 or more")),
    ("client", "--connections many", ("--connections", "'many'", "a whole number from 1 to 65535")),
    ("client", "--connections 65536", ("--connections", "'65536'", "a whole number from 1 to 65535")),
    ("client", "--timeout 0", ("--timeout", "'0'", "give more than 0, or leave the option out")),
    ("server", "--log-level loud", ("--log-level", "'loud'", "debug", "info", "warning", "error")),
    ("client", "--log-format xml", ("--log-format", "'xml'", "plain", "json")),
    ("server", "--lockstep", ("--lockstep", "all options: --help")),
    ("server", "--backl 1", ("--backl", "all options: --help")),
    ("client", "--message", ("--message", "expected one argument", "all options: --help")),
]


def test_a_server_without_options_serves_the_tutorial():
    own = {"backlog": 1024, "max_connections": None, "idle_timeout_s": None, "grace_s": 5.0}
    assert dataclasses.asdict(parse_server([])) == SHARED_DEFAULTS | own
    assert parse_server([]) == ServerConfig()


def test_a_client_without_options_sends_the_tutorial():
    own = {
        "messages": (b"This is the message. ", b"It will be sent ", b"in parts."),
        "file": None,
        "lockstep": False,
        "pause_s": 0.0,
        "connections": 1,
        "timeout_s": None,
        "tls_server_name": None,
    }
    assert dataclasses.asdict(parse_client([])) == SHARED_DEFAULTS | own
    assert parse_client([]) == ClientConfig()


@pytest.mark.parametrize(
    ("role", "line", "sets"),
    [pytest.param(role, line, sets, id=f"{role} {line}") for role, rows in OPTIONS.items() for line, sets in rows],
)
def test_an_option_sets_its_field_and_no_other(role, line, sets):
    config = dataclasses.asdict(ROLES[role](line.split()))
    defaults = dataclasses.asdict(ROLES[role]([]))
    assert config == defaults | sets
    for name, value in sets.items():
        assert type(config[name]) is type(value)


@pytest.mark.parametrize("role", ROLES)
def test_each_option_in_the_help_has_its_row_above(role, capsys):
    with pytest.raises(SystemExit):
        ROLES[role](["--help"])
    offered = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    tried = {word.partition("=")[0] for line, _ in OPTIONS[role] for word in line.split() if word.startswith("--")}
    assert offered == tried


@pytest.mark.parametrize(
    ("role", "line", "parts"), [pytest.param(*row, id=f"{row[0]} {row[1]}"[:60]) for row in USAGE_ERRORS]
)
def test_a_usage_error_is_one_line_with_the_value_and_the_remedy(role, line, parts, capsys):
    with pytest.raises(SystemExit) as exit:
        ROLES[role](line.split())
    error = capsys.readouterr().err
    assert exit.value.code == 2
    assert error.count("\n") == 1
    assert [part for part in parts if part not in error] == [], error


@pytest.mark.parametrize(
    ("line", "uses_tls"),
    [
        ("--tls-ca a.pem", True),
        ("--tls-cert c.pem", True),
        ("--tls-server-name echo.example", True),
        ("--host echo.example", False),
    ],
)
def test_a_client_speaks_tls_as_soon_as_one_of_its_options_is_given(line, uses_tls):
    assert parse_client(line.split()).uses_tls is uses_tls


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("--host ::1 --port 7", "::1 port 7"),
        ("--unix /tmp/echo.sock", "/tmp/echo.sock"),
    ],
)
def test_the_address_is_shown_as_a_person_reads_it(line, address):
    assert parse_server(line.split()).address == address
