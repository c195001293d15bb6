"""Defects of asyncio's own transports, for servers and clients of both APIs: as if the program had called another
method of theirs."""

import asyncio.selector_events
import asyncio.sslproto


def close_politely():
    """Where a connection is to be aborted, first send what is still to be sent."""
    asyncio.selector_events._SelectorTransport.abort = lambda transport: transport.close()


def say_no_goodbye():
    """Close a connection under TLS without telling the peer so (close_notify)."""
    asyncio.sslproto.SSLProtocol._do_shutdown = lambda protocol: protocol._on_shutdown_complete(None)
