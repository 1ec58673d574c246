"""``python -m nlpkit`` is the command `nlpkit`."""

import sys

from nlpkit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
