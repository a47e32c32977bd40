"""`python -m elizad`, and the console script."""

from __future__ import annotations

import sys

from elizad.cli import main

if __name__ == "__main__":
    sys.exit(main())
