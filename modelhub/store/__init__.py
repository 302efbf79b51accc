"""Keeps bytes under the hash of their content, loose and in packs, and checks them when it gives them back."""
