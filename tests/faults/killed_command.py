"""`millrace`, as from the shell, but for the named point at which it dies."""

import sys

from millrace.cli.main import main
from tests.faults.points import BY_NAME

if __name__ == "__main__":
    point = sys.argv.pop(1)
    BY_NAME[point].arm()
    main()
