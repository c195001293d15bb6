"""What is alike in both APIs, on every loop and version, so that a program may rely on it."""
