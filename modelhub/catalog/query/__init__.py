"""Runs SQL that people write over the public views: screened, locked down, explained where it is wrong."""
