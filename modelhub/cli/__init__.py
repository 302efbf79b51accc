"""The `mh` command: read arguments, call porcelain, print."""
