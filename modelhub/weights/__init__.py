"""Arithmetic on tensors: arrays from bytes, statistics, sketches, differences and lint."""
