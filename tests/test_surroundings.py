"""compare.py in odd surroundings: streams that are closed, other locales, odd names, other systems."""
