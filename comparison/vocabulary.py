"""What a kind of log line means to the engine, in the order in which the story is told.

How a line reads is in `common.logs.EVENTS`: a row there is read, compared, explained and shown. One here says what it
opens or ends, that it comes once, or where the code tells it; what only a raw peer tells has its text here.
"""

from dataclasses import dataclass

from comparison.model import Side

START, RUN = "Start listening", "Run"
EOF, END = "The peer has sent everything", "The connection ends"
"""Labels of sections that tell of several kinds of lines; every implementation has the same."""


@dataclass(frozen=True)
class Kind:
    """What the engine makes of one kind of line."""

    drawn: str = "other"
    """How a sequence diagram shows it: open, write, read, eof, done, close, gap, or as a plain mark."""
    server: str | None = None
    """The label of the section in the code of a server that tells it; None for what no server writes."""
    client: str | None = None
    opens: bool = False
    ends: str = ""
    """Of what ends a connection: that end, in words."""
    once: bool = False
    """In the life of a program or of a connection, as every opening and every ending."""
    of_program: bool = False
    """Whether the program tells it, and no connection."""
    forbids: tuple[str, ...] = ()
    """What cannot come after it; after an ending nothing can."""
    text: str = ""
    """What a raw peer writes."""

    def section(self, side: Side) -> str | None:
        return self.server if side == "server" else self.client


KINDS = {
    "left_out": Kind("gap"),
    "selector": Kind(server=RUN, client=RUN),
    "began": Kind("open", opens=True, text="connected"),
    "starting": Kind("open", server=START, of_program=True, once=True),
    "exposed": Kind(server=START, of_program=True),
    "skipped_address": Kind(server=START, of_program=True),
    "connecting": Kind("open", client="Connect", opens=True),
    "accepted": Kind("open", "A connection opens", "The connection opens", opens=True, forbids=("starting",)),
    "refused": Kind("close", server="A connection opens", opens=True, ends="a refusal"),
    "sending": Kind("write", client="Send"),
    "waiting": Kind("done", client="Everything is sent", once=True, forbids=("sending",)),
    "received": Kind("read", server="Bytes arrive", client="Bytes come back"),
    "sent": Kind("write", server="Bytes are sent"),
    "eof": Kind("eof", server=EOF, client=EOF, once=True, forbids=("received",)),
    "idle": Kind("close", server=END, client=END, ends="a cut for idleness"),
    "cut": Kind("close", server=END, client=END, ends="a cut at the shutdown"),
    "lost": Kind("close", server=END, client=END, ends="a lost connection"),
    "closing": Kind("close", server=END, client=END, ends="a close"),
    "failed": Kind("close", server=END, client=END, ends="one line that says what went wrong"),
    "cannot_serve": Kind(server=START, of_program=True, once=True),
    "no_thread": Kind(client=RUN),
    "out_of_files": Kind(server=START, of_program=True),
    "closing_server": Kind(server=RUN, of_program=True, once=True, forbids=("accepted", "starting")),
    "closing_loop": Kind(server=RUN, client=RUN, of_program=True, once=True),
    "altered": Kind(text="ERROR other bytes came back than were sent, from byte {offset} on"),
    "broken": Kind(text="could not send it all: connection reset"),
    "half_closed": Kind("done", text="sending EOF"),
    "tls_refused": Kind("close", ends="a failed TLS handshake", text="TLS failed: {reason}"),
    "saw_eof": Kind("eof", ends="EOF", text="the other side has closed"),
    "saw_reset": Kind("close", ends="a reset", text="the other side has reset the connection"),
    "saw_cut": Kind(
        "close",
        ends="an EOF without the goodbye of TLS",
        text="the other side has closed without the goodbye of TLS (close_notify)",
    ),
    "did_close": Kind("close", ends="its own close", text="closing"),
    "did_reset": Kind("close", ends="its own reset", text="resetting the connection"),
    "ended": Kind(),
}
"""By the name of the event. The first stands for lines that are left out, the last for an ending of any kind."""

RANK = {name: rank for rank, name in enumerate(KINDS)}
BYTES = ("sending", "received", "sent")
OPENINGS = tuple(name for name, kind in KINDS.items() if kind.opens)
ENDINGS = {name: kind.ends for name, kind in KINDS.items() if kind.ends}
"""What ends a connection, and how that is called."""

SENT_EOF, WAS_RESET = "sent EOF", ""
"""How a side may end a connection that is watched on the wire: by itself, or not at all, since the other reset it."""

AFTER, BYSTANDER = "peer_after", "bystander"
"""A client like any other that comes last, whatever happened before, and one that is there meanwhile."""


def kind(name: str) -> Kind:
    """What the engine makes of an event of this name; of one that it does not know, nothing."""
    return KINDS.get(name) or Kind()
