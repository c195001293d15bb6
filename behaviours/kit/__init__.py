"""What an experiment may use. The experiment is a plain script in a thread beside the loop of what is on trial.

The lesson uses what stands in `given` alone: an echo server, a client, and what its program does with the data.
"""

from behaviours.kit.given import Client, Echo, compute, connected, echo, handle, live, work
from behaviours.kit.main import main
from behaviours.kit.peers import (
    FILL_BYTES,
    accepted,
    all_of,
    answer,
    comes_by_itself,
    connect,
    echo_all,
    echoed,
    ending,
    fill,
    hears,
    is_served,
    listener,
    reset,
)
from behaviours.kit.subject import Call, Program, Subject, finish_work, handled
from behaviours.kit.telling import logged, one_of, skip, tell, unforeseen
from behaviours.kit.tls import TLSPeer, client_tls, server_tls
from behaviours.kit.waiting import happens, must_happen

__all__ = [
    "FILL_BYTES",
    "Call",
    "Client",
    "Echo",
    "Program",
    "Subject",
    "TLSPeer",
    "accepted",
    "all_of",
    "answer",
    "client_tls",
    "comes_by_itself",
    "compute",
    "connect",
    "connected",
    "echo",
    "echo_all",
    "echoed",
    "ending",
    "fill",
    "finish_work",
    "handle",
    "handled",
    "happens",
    "hears",
    "is_served",
    "listener",
    "live",
    "logged",
    "main",
    "must_happen",
    "one_of",
    "reset",
    "server_tls",
    "skip",
    "tell",
    "unforeseen",
    "work",
]
