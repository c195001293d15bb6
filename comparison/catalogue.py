"""The explanations: what a reader new to asyncio should know about an event that differs.

An entry is keyed to its events and names the axis that should predict it, seen from the endpoint that wrote the line.
Whether that axis does is computed elsewhere; where it does not, the entry explains nothing and the difference is a
finding.
"""

from collections.abc import Iterable

from comparison.model import Explanation

CATALOGUE = {
    entry.name: entry
    for entry in (
        Explanation(
            name="eof-callback",
            title="EOF has a callback in one API only",
            events=("eof",),
            axis="own implementation",
            text=(
                "A Protocol is told of the peer's end of file by a call of its own, eof_received(), so there is a "
                "place in the code that can log it. With Streams the same news is an empty result of read(), which "
                "just ends the loop."
            ),
            source="Python documentation, Transports and Protocols: Protocol.eof_received(); StreamReader.read()",
            scenario="tutorial",
            everywhere=True,
        ),
        Explanation(
            name="selector",
            title="only asyncio's own loop names its selector",
            events=("selector",),
            axis="own loop",
            text=(
                "asyncio's event loop on POSIX waits for sockets with a selector, and logs at debug level which one "
                "it found. uvloop waits inside libuv, a library in C, and logs nothing when it starts."
            ),
            source="Python documentation, Event Loop: asyncio.SelectorEventLoop; uvloop documentation",
            scenario="tutorial",
            everywhere=True,
        ),
        Explanation(
            name="eof-without-close-notify",
            title="an end of TLS that nobody announced is an EOF on one loop only",
            events=("eof",),
            axis="own implementation and own loop",
            text=(
                "A TLS peer says goodbye with a message called close_notify; one that just closes the connection may "
                "have been cut off by anybody. asyncio reports both alike, with eof_received(); uvloop leaves that "
                "call out for the second and goes on to connection_lost(None), and with Streams either is an empty "
                "read()."
            ),
            source="RFC 8446, section 6.1; uvloop pull request 385",
            scenario="tls-cut-without-goodbye",
            transport="tls",
        ),
        Explanation(
            name="bytes-with-close-notify",
            title="bytes that come together with the end of TLS are echoed by one API and lost by the other",
            events=("received", "sent", "eof", "closing", "lost"),
            axis="own implementation",
            text=(
                "Over TLS the end of the peer's bytes closes the whole connection: there is no half-close. A Protocol "
                "is given bytes that came in the same piece before that, and what it writes then is still sent; with "
                "Streams they wait in the reader, and the transport is closed before the coroutine has its turn."
            ),
            source="CPython, Lib/asyncio/streams.py: StreamReaderProtocol.eof_received() returns False over TLS",
            scenario="tls-bytes-with-goodbye",
            transport="tls",
        ),
        Explanation(
            name="bytes-after-close-notify",
            title="bytes that come after an endpoint has closed TLS are an error on one loop only",
            events=("lost", "closing"),
            axis="own loop",
            text=(
                "A close over TLS says goodbye with close_notify and waits for the peer's. A peer that goes on sending "
                "instead ends the connection at once on asyncio, with an SSLError; uvloop reads on and throws away "
                "what comes, until the peer closes or the time for the close is over."
            ),
            source="RFC 8446, section 6.1; uvloop issue 471",
            scenario="tls-after-goodbye",
            transport="tls",
        ),
        Explanation(
            name="out-of-files",
            title="without file descriptors, one loop lets clients wait and the other turns them away",
            events=("out_of_files", "alike", "began", "half_closed", "ended"),
            axis="own loop",
            text=(
                "An accepted connection needs a file descriptor. asyncio's loop tells its exception handler that there "
                "is none, and tries again a second later, while the clients wait in the kernel's queue; libuv, under "
                "uvloop, keeps one in reserve with which it accepts such clients and closes them at once, and tells "
                "nobody."
            ),
            source="libuv, uv__emfile_trick() in src/unix/stream.c; asyncio issue gh-151615",
            scenario="no-more-files",
        ),
    )
}
"""Name -> explanation."""


def entry_for(event: str, axes: Iterable[str], shows: Iterable[str]) -> Explanation | None:
    """The entry that explains a difference in `event` predicted by one of `axes`, in a scenario that is there to show
    the entries named `shows`; None where there is none."""
    return next(
        (
            entry
            for entry in CATALOGUE.values()
            if event in entry.events and entry.axis in axes and (entry.everywhere or entry.name in shows)
        ),
        None,
    )


def expected_axis(event: str, shows: Iterable[str]) -> str | None:
    """The axis that the catalogue expects to predict a difference in `event`, for one that something else predicts."""
    return next((e.axis for e in CATALOGUE.values() if event in e.events and (e.everywhere or e.name in shows)), None)
