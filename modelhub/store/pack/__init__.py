"""Packs: many objects in one file, and the index that finds them."""
