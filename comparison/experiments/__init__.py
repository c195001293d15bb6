"""Runs behaviours, and holds what came out against what is known of them."""
