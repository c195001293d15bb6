"""Writing and reading: what arrives, what waits, and what is kept in memory."""
