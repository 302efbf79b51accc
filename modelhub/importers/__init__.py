"""Brings in the history of other tools: MLflow, TensorBoard, git-lfs, DVC."""
