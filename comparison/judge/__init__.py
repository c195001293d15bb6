"""From runs to verdicts: nothing here starts, waits, or asks the clock."""
