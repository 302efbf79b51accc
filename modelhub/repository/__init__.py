"""Keeps the history: trees, commits, refs, operations, the index, the working tree and three-way merge."""
