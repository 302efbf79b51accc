"""Offers one function for each thing a user can do; the only door for the command line and for scripts."""
