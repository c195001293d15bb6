"""An echo server and an echo client in plain sockets, which know nothing of this project and write no log.

`plain_echo.py server HOST PORT [DEFECT]` serves until it is killed; `plain_echo.py client HOST PORT [DEFECT]` sends its
standard input, and writes what comes back to its standard output.
"""

import contextlib
import socket
import socketserver
import struct
import sys
import threading
import time

CHUNK_BYTES = 65536
SWAPPED = 500_000
"""Where two bytes change places."""


TUTORIAL_BYTES = 46
"""After so many a client that leaves has all that it waits for."""


def swapped(data, offset):
    """Bytes from `offset` on, in which two have changed places where they hold that place."""
    place = min(SWAPPED - offset, len(data) - 2)
    if not 0 <= place <= SWAPPED - offset < len(data):
        return data
    return data[:place] + data[place : place + 2][::-1] + data[place + 2 :]


def reset_at_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Echo(socketserver.BaseRequestHandler):
    defect = ""

    def handle(self):
        if self.defect == "hangs":
            threading.Event().wait()
        echoed = 0
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(CHUNK_BYTES):
                self.request.sendall(self.spoilt(data, echoed))
                echoed += len(data)
            self.end()

    def end(self):
        """What comes after everything is echoed."""
        if self.defect == "says-more":
            self.request.sendall(b"more")
        if self.defect == "never-ends":
            threading.Event().wait()
        if self.defect in ("resets-late", "ends-late"):
            time.sleep(0.2)
        if self.defect == "resets-late":
            reset_at_close(self.request)
            self.request.close()

    def spoilt(self, data, offset):
        if self.defect == "drops":
            return data[:-1]
        if self.defect == "swaps":
            return swapped(data, offset)
        return data.swapcase() if self.defect == "alters" else data


def server(host, port, defect=""):
    """Echo to everyone at once, each in a thread."""
    Echo.defect = defect
    if defect == "never-listens":
        threading.Event().wait()
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.daemon_threads = True
    socketserver.ThreadingTCPServer.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socketserver.ThreadingTCPServer((host, port), Echo) as echo:
        echo.serve_forever()


def client(host, port, defect=""):
    """Send it all in one thread, and receive in another."""
    if defect == "fails":
        sys.exit(7)
    with socket.create_connection((host, port)) as sock:
        sender = threading.Thread(target=send, args=(sock, defect))
        sender.start()
        received = 0
        while data := sock.recv(CHUNK_BYTES):
            sys.stdout.buffer.write(data)
            received += len(data)
            if defect in ("resets", "leaves") and received == TUTORIAL_BYTES:
                break
        sender.join()
        if defect == "resets":
            reset_at_close(sock)


def send(sock, defect):
    sent = 0
    while data := sys.stdin.buffer.read(CHUNK_BYTES):
        spoilt = swapped(data, sent) if defect == "swaps" else data
        sock.sendall(spoilt[:-1] if defect == "drops" else spoilt)
        sent += len(data)
    if defect != "resets":
        sock.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    {"server": server, "client": client}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
