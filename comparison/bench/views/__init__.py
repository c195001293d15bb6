"""How results are shown: `tables` and `words` make what the terminal and Markdown show alike; `charts` draws."""
