"""Ways to find a storage plan: each takes a problem, and what it returns is verified by others."""
