"""The page: its parts, made from a survey as values (`overview`, `evidence`, `code`, `behaviours`), and templates."""
