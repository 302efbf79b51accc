"""Finds where each tensor's bytes lie inside a model file, without loading weights or importing a framework."""
