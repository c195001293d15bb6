"""TLS: handshakes, goodbyes, upgrades, and what they hide."""
