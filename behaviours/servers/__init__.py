"""The life of a server: its start, its handlers, its clients, its end."""
