"""Who may be called, for what, by whom and why: the ranked, explained, immutable list."""
