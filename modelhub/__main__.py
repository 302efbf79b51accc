"""Run the command as `python -m modelhub`."""

from __future__ import annotations

from modelhub.cli.main import main

if __name__ == "__main__":
    main()
