"""The explanations: what a reader new to asyncio should know about an event that differs.

An entry is keyed to its events, names the axis that should predict them, seen from the endpoint that wrote the line,
and says at which levels of that axis each is there. Whether all that holds is computed elsewhere; where it does not,
the entry explains nothing and the difference is a finding. A loop that no entry names is held against what is said of
any; a name that begins with "peer" is for what the engine's own sockets saw.
"""

import dataclasses
from collections.abc import Iterable

from comparison.model import Explanation, Places

IN_PROTOCOL: Places = {("protocol",): "there", ("streams",): "missing"}
IN_STREAMS: Places = {("streams",): "there", ("protocol",): "missing"}
NOT_ON_UVLOOP: Places = {("uvloop",): "missing", ("*",): "there"}
EITHER_WAY: Places = {("uvloop",): "either", ("*",): "either"}

_ENTRIES = (
    Explanation(
        name="eof-callback",
        title="Protocol is told of the end of file and Streams is not",
        kind="told",
        axis="own implementation",
        places={"eof": IN_PROTOCOL},
        text="""A Protocol is told of the peer's end of file by a call of its own, eof_received(), so there is a place
        in the code that can log it. With Streams the same news is an empty result of read(), which just ends the
        loop.""",
        advice="""With Streams let the loop over read() end at the empty result, and clean up after it. With a Protocol
        return None from eof_received() to have the transport close itself once all is sent; or return True to go on
        writing, and then close it yourself.""",
        source="Python documentation, Transports and Protocols: Protocol.eof_received(); StreamReader.read()",
        scenario="tutorial",
        everywhere=True,
    ),
    Explanation(
        name="selector",
        title="only asyncio names its selector",
        kind="told",
        axis="own loop",
        # A loop made from asyncio's names its selector, too.
        places={"selector": {("asyncio",): "there", ("uvloop",): "missing", ("*",): "either"}},
        text="""asyncio's event loop on POSIX waits for sockets with a selector, and logs at debug level which one it
        found. uvloop waits inside libuv, a library in C, and logs nothing when it starts.""",
        advice="""Nothing: let no program depend on this line. Which loop runs is told by
        type(asyncio.get_running_loop()).""",
        source="Python documentation, Event Loop: asyncio.SelectorEventLoop; uvloop documentation",
        scenario="tutorial",
        everywhere=True,
    ),
    Explanation(
        name="eof-without-close-notify",
        title="an end of TLS that nobody announced is an EOF to a Protocol on asyncio, and no event on uvloop",
        kind="told",
        axis="own implementation and own loop",
        places={"eof": {("protocol", "uvloop"): "missing", ("protocol", "*"): "there", ("streams", "*"): "missing"}},
        text="""A TLS peer says goodbye with a message called close_notify; one that just closes the connection may have
        been cut off by anybody. asyncio reports both alike, with eof_received(); uvloop leaves that call out for the
        second and goes on to connection_lost(None), and with Streams either is an empty read().""",
        advice="""Do not take an end of TLS for the end of a message, on any loop: a length or a delimiter says that.
        With a Protocol clean up in connection_lost(), which is called either way.""",
        source="RFC 8446, section 6.1; uvloop pull request 385",
        scenario="tls-cut-without-goodbye",
    ),
    Explanation(
        name="bytes-with-close-notify",
        title="bytes that come with the end of TLS can be answered by Protocol, and only be read by Streams",
        kind="done",
        axis="own implementation",
        places=dict.fromkeys(("sent", "closing", "peer received"), IN_PROTOCOL) | {"lost": IN_STREAMS},
        text="""Over TLS the end of the peer's bytes closes the whole connection: there is no half-close. A Protocol is
        given bytes that came in the same piece before that, and what it writes then is still sent; with Streams read()
        hands them out, too, but the transport is closed before the coroutine has its turn.""",
        advice="""Have a client read its answer before it says goodbye. In a Streams server ask writer.is_closing()
        before a write, and count what nobody will get.""",
        source="CPython, Lib/asyncio/streams.py: StreamReaderProtocol.eof_received() returns False over TLS",
        scenario="tls-bytes-with-goodbye",
    ),
    Explanation(
        name="bytes-after-close-notify",
        title="bytes that come after a close over TLS are an error on asyncio, and thrown away on uvloop",
        kind="told",
        axis="own loop",
        places={"lost": NOT_ON_UVLOOP, "closing": {("uvloop",): "there", ("*",): "missing"}},
        text="""A close over TLS says goodbye with close_notify and waits for the peer's. A peer that goes on sending
        instead ends the connection at once on asyncio, with an SSLError; uvloop reads on and throws away what comes,
        until the peer closes or the time for the close is over.""",
        advice="""Know by a length or a delimiter that all has come before you close. An error at the close is then a
        close, too: with Streams `except OSError` around wait_closed() (ssl.SSLError is one), with a Protocol
        connection_lost(exc).""",
        source="RFC 8446, section 6.1; uvloop issue 471",
        scenario="tls-after-goodbye",
    ),
    Explanation(
        name="out-of-files",
        title="without file descriptors asyncio lets clients wait, and uvloop turns them away",
        kind="done",
        axis="own loop",
        places={
            "out_of_files": NOT_ON_UVLOOP,
            **dict.fromkeys(("alike", "peer alike", "peer began", "peer half_closed", "peer ended"), EITHER_WAY),
        },
        text="""An accepted connection needs a file descriptor. asyncio's loop tells its exception handler that there is
        none, and tries again a second later, while the clients wait in the kernel's queue; libuv, under uvloop, keeps
        one in reserve with which it accepts such clients and closes them at once, and tells nobody.""",
        advice="""Take fewer connections than there are descriptors (ulimit -n), and watch how many are open. A client
        should have a time-out, and try again later whether it had to wait or was turned away.""",
        source="libuv, uv__emfile_trick() in src/unix/stream.c; asyncio issue gh-151615",
        scenario="no-more-files",
    ),
)
CATALOGUE = {
    entry.name: dataclasses.replace(entry, text=" ".join(entry.text.split()), advice=" ".join(entry.advice.split()))
    for entry in _ENTRIES
}
"""Name -> explanation."""

NAMED = {level for entry in _ENTRIES for places in entry.places.values() for levels in places for level in levels}
"""The implementations and loops of which the catalogue knows how they behave, and `*`."""


def shown_in(scenario: str) -> tuple[str, ...]:
    """The names of the entries that a scenario is there to show."""
    return tuple(entry.name for entry in CATALOGUE.values() if entry.scenario == scenario)


def entries_for(event: str, shows: Iterable[str]) -> list[Explanation]:
    """Those about an event, in a scenario that is there to show those named `shows`: what holds only there is first."""
    about = (one for one in CATALOGUE.values() if event in one.places and (one.everywhere or one.name in shows))
    return sorted(about, key=lambda entry: entry.everywhere)
