"""An echo server and an echo client in plain sockets, which know nothing of this project and write no log.

`plain_echo.py server HOST PORT [DEFECT]` serves until it is killed; `plain_echo.py client HOST PORT [DEFECT]` sends its
standard input, and writes what comes back to its standard output.
"""

import contextlib
import socket
import socketserver
import sys
import threading

CHUNK_BYTES = 65536


class Echo(socketserver.BaseRequestHandler):
    defect = ""

    def handle(self):
        if self.defect == "hangs":
            threading.Event().wait()
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(CHUNK_BYTES):
                self.request.sendall(self.spoilt(data))

    def spoilt(self, data):
        if self.defect == "drops":
            return data[:-1]
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
        while data := sock.recv(CHUNK_BYTES):
            sys.stdout.buffer.write(data)
        sender.join()


def send(sock, defect):
    while data := sys.stdin.buffer.read(CHUNK_BYTES):
        sock.sendall(data[:-1] if defect == "drops" else data)
    sock.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    {"server": server, "client": client}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
