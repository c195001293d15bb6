"""Connecting: addresses, names, sockets, and what is told when it fails."""
