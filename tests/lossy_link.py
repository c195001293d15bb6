"""Two network namespaces, and between them a link that loses packets by a script: two TUN devices, and a thread that
carries each packet from one to the other, or does not. It takes root, `ip` and /dev/net/tun."""

import contextlib
import os
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
FIN, SYN, RST, ACK = 1, 2, 4, 16
PACKET_BYTES = 65536
SILENCE_S = 3.0

DEVICE = """
import fcntl, os, socket, struct, subprocess
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", b"tun0", 0x1001))
for words in ("addr add {own} peer {peer} dev tun0", "link set tun0 up", "link set lo up"):
    subprocess.run(["ip", *words.split()], check=True)
socket.send_fds(socket.socket(fileno={there}), [b"."], [tun])
"""
"""Makes the device of the namespace in which it runs, and hands over its descriptor: it lives as long as that does."""


def why_not() -> str | None:
    """Why there can be none here."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "two network namespaces take root"
    if shutil.which("ip") is None or not os.path.exists("/dev/net/tun"):
        return "it takes ip (iproute2) and /dev/net/tun"
    tried = subprocess.run(["ip", "netns", "exec", "none", "true"], capture_output=True, text=True, check=False)
    return None if "No such file" in tried.stderr or "Cannot open" in tried.stderr else "no network namespaces here"


@dataclass(frozen=True)
class Packet:
    """What matters of a TCP packet."""

    from_client: bool
    client_port: int
    flags: int
    length: int

    @classmethod
    def read(cls, data: bytes, from_client: bool) -> "Packet | None":
        """None of what is no TCP over IPv4."""
        if data[0] >> 4 != 4 or data[9] != socket.IPPROTO_TCP:
            return None
        tcp = data[(data[0] & 15) * 4 :]
        port = int.from_bytes(tcp[0:2] if from_client else tcp[2:4], "big")
        return cls(from_client, port, tcp[13], len(tcp) - (tcp[12] >> 4) * 4)


LOST = {
    "SYN-ACK": lambda packet: packet.flags & (SYN | ACK) == SYN | ACK,
    "half-close": lambda packet: packet.from_client and packet.flags & FIN,
    "FIN": lambda packet: not packet.from_client and packet.flags & FIN,
    "data": lambda packet: not packet.from_client and packet.length,
}
"""What can get lost, by what it is called."""


class LossyLink:
    """Loses the first `times` packets of a kind of each connection; or all for a while after the first data."""

    def __init__(self, kind: str, times: int, server_tun: int, client_tun: int) -> None:
        self.kind, self.times = kind, times
        self.carried: Counter[bool] = Counter()
        self.lost: Counter[int] = Counter()
        """By the port of the client, which tells the connection."""
        self.came: Counter[bool] = Counter()
        self._silent_until: dict[int, float] = {}
        self._ends = {server_tun: (client_tun, False), client_tun: (server_tun, True)}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        with selectors.DefaultSelector() as selector:
            for tun in self._ends:
                selector.register(tun, selectors.EVENT_READ)
            while not self._over.is_set():
                for key, _ in selector.select(0.1):
                    other, from_client = self._ends[key.fd]
                    data = os.read(key.fd, PACKET_BYTES)
                    self.came[from_client] += 1
                    packet = Packet.read(data, from_client)
                    if packet is not None and self._loses(packet):
                        self.lost[packet.client_port] += 1
                        continue
                    self.carried[from_client] += 1
                    os.write(other, data)

    def _loses(self, packet: Packet) -> bool:
        if self.kind == "silence":
            if packet.length:
                self._silent_until.setdefault(packet.client_port, time.monotonic() + SILENCE_S)
            return time.monotonic() < self._silent_until.get(packet.client_port, 0.0)
        return bool(LOST[self.kind](packet)) and self.lost[packet.client_port] < self.times

    def close(self) -> None:
        self._over.set()
        self._thread.join()


@contextlib.contextmanager
def lossy_link(kind: str, times: int = 1) -> Iterator[tuple[str, str, LossyLink]]:
    """The names of the namespaces of the server and of the client, and the link between them."""
    names = [f"lossy-{os.getpid()}-{side}" for side in ("server", "client")]
    with contextlib.ExitStack() as stack:
        tuns = []
        for name, own, peer in zip(names, (SERVER, CLIENT), (CLIENT, SERVER), strict=True):
            subprocess.run(["ip", "netns", "add", name], check=True)
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=True)
            tuns.append(_device(name, own, peer))
            stack.callback(os.close, tuns[-1])
        link = LossyLink(kind, times, *tuns)
        stack.callback(link.close)
        yield names[0], names[1], link


def _device(namespace: str, own: str, peer: str) -> int:
    here, there = socket.socketpair()
    with here, there:
        script = DEVICE.format(own=own, peer=peer, there=there.fileno())
        command = ["ip", "netns", "exec", namespace, sys.executable, "-c", script]
        subprocess.run(command, pass_fds=[there.fileno()], check=True)
        _, [tun], *_ = socket.recv_fds(here, 1, 1)
        return tun
