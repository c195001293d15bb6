"""The ends of a connection: end of file, closing, resets, and what is lost with them."""
