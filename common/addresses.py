"""Where a server listens: one port on every address of a name, or a Unix socket that is nobody else's.

The sockets are bound here and handed to the API with `sock=`, because neither API can give one free port to several
addresses, and because both loops would silently take over the Unix socket of a server that is alive.
"""

import contextlib
import errno
import ipaddress
import os
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from common import logs
from common.sockets import keep_alive

FREE_PORT_TRIES = 100
"""How often another free port is tried when the one that the first address got is taken on the next."""

Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class CannotListen(Exception):
    """No address of the server could be listened on. The text is one sentence with the remedy."""


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, each once, in the order of the system's resolver. Raises socket.gaierror."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, tuple(address)) for family, _, _, _, address in found))


@contextlib.contextmanager
def tcp_sockets(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Bind one socket for each address of `host`, all with the same port, also for port 0. Raises CannotListen.

    An address that this machine lacks is skipped with a log line, as long as another is left.
    """
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        raise CannotListen(f"name {host!r} not found; choose another --host") from None
    with contextlib.ExitStack() as stack:
        for _ in range(FREE_PORT_TRIES):
            try:
                sockets = [stack.enter_context(sock) for sock in _bind_all(addresses, port)]
                break
            except OSError as error:
                if port != 0 or error.errno != errno.EADDRINUSE:
                    raise CannotListen(_why(error, TCP_REMEDIES, "choose another --host or --port")) from None
        else:
            raise CannotListen(
                f"no port is free on all of its addresses (tried {FREE_PORT_TRIES}); choose one with --port"
            )
        yield sockets


@contextlib.contextmanager
def unix_socket(path: str) -> Iterator[list[socket.socket]]:
    """Bind a Unix socket to `path`, and remove the file at the end if it is still this one. Raises CannotListen.

    A socket that a dead server left behind is replaced; that of a live server, and a file of any other kind, is left
    alone.
    """
    with contextlib.ExitStack() as stack:
        try:
            _remove_leftover(path)
            sock = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            sock.bind(path)
            sock.listen()
        except OSError as error:
            raise CannotListen(_why(error, UNIX_REMEDIES, "choose another --unix PATH")) from None
        own = os.stat(path)
        try:
            yield [sock]
        finally:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path), own):
                    os.unlink(path)


def exposed_hosts(sockets: Iterable[socket.socket]) -> list[str]:
    """Of the addresses that sockets are bound to, those that other machines can reach."""
    hosts = [sock.getsockname()[0] for sock in sockets if sock.family in (socket.AF_INET, socket.AF_INET6)]
    return [host for host in hosts if not ipaddress.ip_address(host).is_loopback]


def _bind_all(addresses: Sequence[Address], port: int) -> list[socket.socket]:
    """Bind each address to `port`, or, for 0, the first to any free port and the others to the same one."""
    sockets: list[socket.socket] = []
    missing: dict[str, OSError] = {}
    with contextlib.ExitStack() as undo:
        for family, (host, _, *scope) in addresses:
            try:
                # asyncio sets TCP_NODELAY only where the protocol is named, and connections have it from the listener.
                sock = undo.enter_context(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    # Otherwise :: would take the port on IPv4 too, and 0.0.0.0 would then find it taken.
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((host, port, *scope))
                keep_alive(sock)
                sock.listen()
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing[str(host)] = error
                continue
            port = sock.getsockname()[1]
            sockets.append(sock)
        if missing and not sockets:
            raise next(iter(missing.values()))
        for name, absence in missing.items():
            logs.tell("main", "skipped_address", address=name, reason=_reason(absence))
        undo.pop_all()
    return sockets


def _remove_leftover(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            raise CannotListen("there is a symbolic link to nothing; remove it or choose another --unix PATH") from None
        return
    if stat.S_ISDIR(mode):
        raise CannotListen("there is a directory; choose a --unix PATH in it")
    if not stat.S_ISSOCK(mode):
        raise CannotListen("there is a file of another kind; remove it or choose another --unix PATH")
    if _is_live(path):
        raise CannotListen("a server is listening there; stop it or choose another --unix PATH")
    with contextlib.suppress(FileNotFoundError):  # another server was faster
        os.unlink(path)


def _is_live(path: str) -> bool:
    """Whether a server holds the socket file, asked with a datagram socket: the kernel refuses it either way (a dead
    one with ECONNREFUSED, a live stream with EPROTOTYPE), so that the live server never hears of a connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
    return True


_OF_THE_MACHINE = {
    errno.EMFILE: "raise the limit (ulimit -n)",
    **dict.fromkeys((errno.ENFILE, errno.ENOBUFS, errno.ENOMEM), "end other programs: the machine has no more"),
}
TCP_REMEDIES = _OF_THE_MACHINE | {
    errno.EADDRINUSE: "stop the other server or choose another --port (0 takes a free one)",
    errno.EACCES: "ports below 1024 need rights; choose another --port",
    errno.EADDRNOTAVAIL: "choose a --host that is an address of this machine",
    errno.EAFNOSUPPORT: "choose a --host with an address of another kind",
    errno.EINVAL: "a link-local address needs its interface: --host ADDRESS%INTERFACE",
}
UNIX_REMEDIES = _OF_THE_MACHINE | {
    errno.ENOENT: "the directory does not exist; make it or choose another --unix PATH",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "it belongs to somebody else; choose another --unix PATH"),
}


def _why(error: OSError, remedies: Mapping[int, str], otherwise: str) -> str:
    return f"{_reason(error)}; {remedies.get(error.errno or 0, otherwise)}"


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
