"""Where a server listens: every address of a name with one port, a Unix socket that is nobody else's, or an error that
says what to do."""

import contextlib
import errno
import os
import re
import socket
import tempfile

import pytest
from harness import Endpoint, assert_quiet, connect, echo_once, read_to_end, round_trip

from common.addresses import CannotListen, tcp_sockets, unix_socket

FOREIGN = "203.0.113.1"
"""An address that is reserved for documentation: no machine has it."""


def has_ipv6() -> bool:
    """Whether ::1 can be listened on."""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on its loopback: ::1 cannot be bound")


@pytest.fixture
def resolver_knows(monkeypatch):
    """Has the system's resolver know every name, with these addresses."""

    def knows(*hosts):
        monkeypatch.setattr(
            "common.addresses.resolve",
            lambda _, port: [
                (socket.AF_INET6, (name, port, 0, 0)) if ":" in name else (socket.AF_INET, (name, port))
                for name in hosts
            ],
        )

    return knows


def named(*hosts: str) -> str:
    """For `before`: the system's resolver knows one name, `many.test`, with these addresses; without any, no name."""
    return f"""
import socket
from socket import AF_INET, AF_INET6, SOCK_STREAM
def getaddrinfo(host, port, **options):
    if host != "many.test" or not {hosts!r}:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [
        (AF_INET6 if ":" in name else AF_INET, SOCK_STREAM, 6, "", (name, port, 0, 0)[: 4 if ":" in name else 2])
        for name in {hosts!r}
    ]
socket.getaddrinfo = getaddrinfo
"""


@pytest.fixture
def folder():
    """A directory whose path is short enough for a Unix socket."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def error_of(server: Endpoint) -> str:
    """The one line with which a server ended that could not serve."""
    assert server.end() == 1, server.log
    assert_quiet(server)
    assert [line for line in server.lines if "ERROR" not in line and "Using selector" not in line] == [
        "main: closing event loop"
    ]
    return re.search(r"^main: ERROR cannot serve on (.*)$", server.log, re.MULTILINE)[1]


# --- Addresses of a name ---


@needs_ipv6
def test_it_listens_on_every_address_of_a_name_with_one_port(api, loop):
    hosts = ("127.0.0.1", "::1", "127.0.0.2")
    options = ("--host", "many.test", "--port", "0")
    with Endpoint(api, "server", *options, loop=loop, before=named(*hosts)) as server:
        port = server.port()
        for host in hosts:
            with connect(port, host) as peer:
                assert round_trip(peer, host.encode())
        server.wait_for(": closing$", count=3)
        assert re.findall(r"^echo_(\S+)_\d+: connection accepted$", server.log, re.MULTILINE) == [
            "127.0.0.1",
            "::1",
            "127.0.0.1",
        ]
        assert [line for line in server.lines if "starting up" in line] == [
            f"main: starting up on many.test port {port}"
        ]
        assert server.stop() == 0
        assert_quiet(server)


@needs_ipv6
def test_it_listens_on_all_addresses_of_the_machine_where_the_name_is_empty(api, loop):
    with Endpoint(api, "server", "--host", "", "--port", "0", loop=loop) as server:
        port = server.port()
        for host in ("127.0.0.1", "::1"):
            with connect(port, host) as peer:
                assert round_trip(peer)
        assert server.stop() == 0
        assert_quiet(server)


def test_it_goes_without_an_address_that_the_machine_lacks(api, loop):
    options = ("--host", "many.test", "--port", "0")
    with Endpoint(api, "server", *options, loop=loop, before=named(FOREIGN, "127.0.0.1")) as server:
        assert echo_once(server.port()) == b"ping"
        server.wait_for(f"^main: not listening on {FOREIGN}: cannot assign requested address")
        assert server.stop() == 0
        assert_quiet(server)


def test_it_cannot_serve_where_the_machine_lacks_every_address(api, loop):
    with Endpoint(api, "server", "--host", FOREIGN, "--port", "0", loop=loop) as server:
        assert server.end() == 1
        server.wait_for(
            f"^main: ERROR cannot serve on {FOREIGN} port 0: cannot assign requested address; "
            "choose a --host that is an address of this machine$"
        )
        assert_quiet(server)


def test_it_cannot_serve_on_a_name_that_is_not_found(api, loop):
    with Endpoint(api, "server", "--host", "none.test", "--port", "0", loop=loop, before=named()) as server:
        assert error_of(server) == "none.test port 0: name 'none.test' not found; choose another --host"


def test_it_cannot_serve_on_a_port_in_use_and_leaves_the_other_server_alone(api, loop):
    with Endpoint(api, "server", "--port", "0", loop=loop) as first:
        port = str(first.port())
        with Endpoint(api, "server", "--port", port, loop=loop) as second:
            assert error_of(second) == (
                f"localhost port {port}: address already in use; "
                "stop the other server or choose another --port (0 takes a free one)"
            )
        assert echo_once(int(port)) == b"ping"
        assert first.stop() == 0


def test_it_can_be_started_again_at_once_on_its_port(api, loop):
    with Endpoint(api, "server", "--port", "0", "--grace", "0", loop=loop) as first:
        port = first.port()
        with connect(port) as peer:
            assert round_trip(peer)
            first.stop()  # the server closes first: its port is left in TIME_WAIT
    with Endpoint(api, "server", "--port", str(port), loop=loop) as second:
        assert second.port() == port
        assert echo_once(port) == b"ping"


def test_all_sockets_get_the_port_that_is_free_on_each_address(resolver_knows):
    resolver_knows("127.0.0.1", "127.0.0.2", "127.0.0.3")
    with tcp_sockets("many.test", 0) as sockets:
        names = [sock.getsockname() for sock in sockets]
        assert [host for host, _ in names] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        assert len({port for _, port in names}) == 1
    assert all(sock.fileno() == -1 for sock in sockets)


def test_another_free_port_is_tried_where_the_first_is_taken_on_the_next_address(resolver_knows, monkeypatch):
    resolver_knows("127.0.0.1", "127.0.0.2")
    ports = []

    class Taken(socket.socket):
        """127.0.0.2 has its first two ports taken."""

        def bind(self, address):
            if address[0] == "127.0.0.2":
                ports.append(address[1])
                if len(ports) <= 2:
                    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Taken)
    with tcp_sockets("many.test", 0) as sockets:
        assert len(ports) == 3
        assert [sock.getsockname() for sock in sockets] == [("127.0.0.1", ports[2]), ("127.0.0.2", ports[2])]


def test_it_gives_up_where_no_port_is_free_on_all_addresses(resolver_knows):
    resolver_knows("127.0.0.1", "127.0.0.1")
    with pytest.raises(CannotListen, match="no port is free on all"), tcp_sockets("many.test", 0):
        pass


# --- Unix sockets ---


def echo_over(path: str) -> bytes:
    """What comes back for a ping over a Unix socket."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(b"ping")
        peer.shutdown(socket.SHUT_WR)
        return read_to_end(peer)


def test_it_serves_on_a_unix_socket_counts_its_peers_and_removes_the_file(api, loop, folder):
    path = f"{folder}/socket"
    with Endpoint(api, "server", "--unix", path, loop=loop) as server:
        server.wait_for(f"^main: starting up on {path}$")
        assert [echo_over(path), echo_over(path)] == [b"ping", b"ping"]
        server.wait_for("^echo_unix_1: closing$")
        server.wait_for("^echo_unix_2: closing$")
        assert server.stop() == 0
        assert os.listdir(folder) == []
        assert_quiet(server)


def test_it_replaces_the_unix_socket_of_a_dead_server(api, loop, folder):
    path = f"{folder}/socket"
    with Endpoint(api, "server", "--unix", path, loop=loop) as dead:
        dead.wait_for("starting up on")
    assert os.listdir(folder) == ["socket"]
    with Endpoint(api, "server", "--unix", path, loop=loop) as server:
        server.wait_for("starting up on")
        assert echo_over(path) == b"ping"
        assert server.stop() == 0
    assert os.listdir(folder) == []


def test_it_does_not_steal_the_unix_socket_of_a_live_server(api, loop, folder):
    path = f"{folder}/socket"
    with Endpoint(api, "server", "--unix", path, loop=loop) as live:
        live.wait_for("starting up on")
        with Endpoint(api, "server", "--unix", path, loop=loop) as second:
            assert error_of(second) == f"{path}: a server is listening there; stop it or choose another --unix PATH"
        assert echo_over(path) == b"ping"
        assert live.stop() == 0
        assert live.log.count("connection accepted") == 1, "the live server was bothered"


def test_it_does_not_steal_the_unix_socket_of_a_live_server_that_stands_still(api, loop, folder):
    path = f"{folder}/socket"
    with socket.socket(socket.AF_UNIX) as live, contextlib.ExitStack() as queue:
        live.bind(path)
        live.listen(0)
        with contextlib.suppress(BlockingIOError):
            for _ in range(100):  # until its queue is full
                peer = queue.enter_context(socket.socket(socket.AF_UNIX))
                peer.setblocking(False)
                peer.connect(path)
            pytest.fail("the queue has no end")
        with Endpoint(api, "server", "--unix", path, loop=loop) as second:
            assert "a server is listening there" in error_of(second)
    assert os.listdir(folder) == ["socket"]


def test_it_leaves_a_file_of_another_kind_alone(api, loop, folder):
    path = f"{folder}/notes"
    with open(path, "w") as file:
        file.write("precious")
    with Endpoint(api, "server", "--unix", path, loop=loop) as server:
        assert error_of(server) == f"{path}: there is a file of another kind; remove it or choose another --unix PATH"
    with open(path) as file:
        assert file.read() == "precious"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("dangling", "there is a symbolic link to nothing; remove it or choose another --unix PATH"),
        ("directory", "there is a directory; choose a --unix PATH in it"),
        ("link", "there is a directory; choose a --unix PATH in it"),
        ("circle", "too many levels of symbolic links; choose another --unix PATH"),
        ("file/socket", "not a directory; choose another --unix PATH"),
    ],
)
def test_what_stands_in_the_way_of_a_unix_socket_is_left_alone_and_told_with_its_remedy(
    api, loop, folder, kind, reason
):
    os.symlink(f"{folder}/nowhere", f"{folder}/dangling")
    os.mkdir(f"{folder}/directory")
    os.symlink(f"{folder}/directory", f"{folder}/link")
    os.symlink(f"{folder}/circle", f"{folder}/circle")
    open(f"{folder}/file", "w").close()
    before = sorted(os.listdir(folder))
    with Endpoint(api, "server", "--unix", f"{folder}/{kind}", loop=loop) as server:
        assert error_of(server) == f"{folder}/{kind}: {reason}"
    assert sorted(os.listdir(folder)) == before


def failing(number: int, call: str):
    """A class of sockets that the system refuses, or that it does not bind, with the error of that number."""

    class Failing(socket.socket):
        def __init__(self, *arguments, **options):
            if call == "socket":
                raise OSError(number, os.strerror(number))
            super().__init__(*arguments, **options)

        def bind(self, address):
            raise OSError(number, os.strerror(number))

    return Failing


OWN_REMEDY = {
    "tcp": {
        errno.EADDRINUSE: "stop the other server or choose another --port (0 takes a free one)",
        errno.EACCES: "ports below 1024 need rights; choose another --port",
        errno.EADDRNOTAVAIL: "choose a --host that is an address of this machine",
        errno.EAFNOSUPPORT: "choose a --host with an address of another kind",
        errno.EINVAL: "a link-local address needs its interface: --host ADDRESS%INTERFACE",
    },
    "unix": {
        errno.ENOENT: "the directory does not exist; make it or choose another --unix PATH",
        errno.EACCES: "it belongs to somebody else; choose another --unix PATH",
        errno.EPERM: "it belongs to somebody else; choose another --unix PATH",
    },
}
OF_THE_MACHINE = {
    errno.EMFILE: "raise the limit (ulimit -n)",
    errno.ENFILE: "end other programs: the machine has no more",
    errno.ENOBUFS: "end other programs: the machine has no more",
    errno.ENOMEM: "end other programs: the machine has no more",
}
OTHERWISE = {"tcp": "choose another --host or --port", "unix": "choose another --unix PATH"}


@pytest.mark.parametrize("call", ["socket", "bind"])
@pytest.mark.parametrize("kind", OTHERWISE)
def test_each_error_of_the_system_has_a_remedy_that_fits_the_kind_of_address(kind, call, folder, monkeypatch):
    path = f"{folder}/socket"
    for number in errno.errorcode:
        monkeypatch.setattr(socket, "socket", failing(number, call))
        listening = unix_socket(path) if kind == "unix" else tcp_sockets("127.0.0.1", 1)
        with pytest.raises(CannotListen) as error, listening:
            pass
        remedy = (OWN_REMEDY[kind] | OF_THE_MACHINE).get(number, OTHERWISE[kind])
        assert str(error.value) == f"{os.strerror(number).lower()}; {remedy}"


def test_the_unix_socket_of_somebody_else_is_told_as_that(folder, monkeypatch):
    path = f"{folder}/socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)

    def not_yours(path):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "unlink", not_yours)  # root may remove every file
    with pytest.raises(CannotListen) as error, unix_socket(path):
        pass
    assert str(error.value) == "operation not permitted; it belongs to somebody else; choose another --unix PATH"


def test_it_cannot_serve_in_a_directory_that_does_not_exist(api, loop, folder):
    path = f"{folder}/missing/socket"
    with Endpoint(api, "server", "--unix", path, loop=loop) as server:
        assert error_of(server) == (
            f"{path}: no such file or directory; the directory does not exist; make it or choose another --unix PATH"
        )


def test_it_removes_no_file_but_its_own(api, loop, folder):
    path = f"{folder}/socket"
    with Endpoint(api, "server", "--unix", path, loop=loop) as first:
        first.wait_for("starting up on")
        os.unlink(path)
        with Endpoint(api, "server", "--unix", path, loop=loop) as second:
            second.wait_for("starting up on")
            assert first.stop() == 0
            assert echo_over(path) == b"ping"
            os.unlink(path)
            assert second.stop() == 0
            assert_quiet(second)
        assert_quiet(first)


def test_the_longest_path_of_a_unix_socket_is_served_and_a_longer_one_is_a_usage_error(api, loop, folder):
    longest = f"{folder}/".ljust(107, "x")
    with Endpoint(api, "server", "--unix", longest, loop=loop) as server:
        server.wait_for("starting up on")
        assert echo_over(longest) == b"ping"
        assert server.stop() == 0
    with Endpoint(api, "server", "--unix", longest + "x", loop=loop) as server:
        assert server.end() == 2
        assert server.lines == [
            f"python -m {api}_impl.server: error: --unix {longest + 'x'!r} has 108 bytes: use one of at most 107, "
            "perhaps a relative one (all options: --help)"
        ]


# --- The connections ---

TELL_DELAY = """
import atexit, socket
from common.connections import ConnectionLog
opened = ConnectionLog.opened
def tell(self, transport):
    opened(self, transport)
    sock = transport.get_extra_info("socket")
    atexit.register(print, sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
ConnectionLog.opened = tell
"""
"""The endpoint prints at its end whether its connection's socket sends each write at once."""


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_no_end_holds_back_a_write_until_the_other_has_acknowledged_the_one_before(api, loop, host):
    with Endpoint(api, "server", "--host", host, "--port", "0", loop=loop, before=TELL_DELAY) as server:
        to = ("--host", host, "--port", str(server.port()))
        with Endpoint(api, "client", *to, loop=loop, before=TELL_DELAY) as client:
            assert client.end() == 0, client.log
        assert server.stop() == 0
    told = [int(end.stdout) for end in (server, client)]
    assert 0 not in told, told
