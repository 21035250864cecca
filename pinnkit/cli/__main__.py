"""`python -m pinnkit.cli`: the command line."""

from .app import main

if __name__ == "__main__":
    raise SystemExit(main())
