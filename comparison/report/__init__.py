"""Views of a comparison: the terminal, Markdown, JSON, a folder of logs. A view may leave out; it never judges."""
