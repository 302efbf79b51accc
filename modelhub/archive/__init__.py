"""Chooses which tensors to keep whole and which as deltas: least storage within bounds on recreation."""
