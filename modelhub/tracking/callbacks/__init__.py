"""Records the trainings of PyTorch, Lightning and transformers, without importing any of them."""
