"""Nobody but this machine is served unless the user said so, and then the log says it."""

import socket

import pytest
from harness import Endpoint, assert_quiet, echo_once

from common.addresses import exposed_hosts, tcp_sockets
from common.config import HOST


def test_without_options_only_this_machine_can_connect():
    with tcp_sockets(HOST, 0) as sockets:
        assert sockets
        assert exposed_hosts(sockets) == []


@pytest.mark.parametrize(("host", "exposed"), [("127.0.0.1", []), ("127.0.0.2", []), ("0.0.0.0", ["0.0.0.0"])])
def test_what_is_no_loopback_address_is_open_to_others(host, exposed):
    with tcp_sockets(host, 0) as sockets:
        assert exposed_hosts(sockets) == exposed


def test_a_unix_socket_is_open_to_no_other_machine():
    with socket.socket(socket.AF_UNIX) as sock:
        assert exposed_hosts([sock]) == []


@pytest.mark.parametrize(("options", "said"), [((), False), (("--host", "0.0.0.0"), True), (("--host", ""), True)])
def test_a_server_says_where_other_machines_can_reach_it(api, loop, options, said):
    with Endpoint(api, "server", "--port", "0", *options, loop=loop) as server:
        assert echo_once(server.port()) == b"ping"
        assert server.stop() == 0
        told = [line for line in server.lines if line.startswith("main: open to other machines: 0.0.0.0")]
        assert len(told) == said, server.log
        assert_quiet(server)
