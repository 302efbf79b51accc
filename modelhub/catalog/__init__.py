"""Indexes the history into SQLite and answers questions about it in read-only SQL."""
