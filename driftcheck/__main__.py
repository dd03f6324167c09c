"""``python -m driftcheck``, and the ``driftcheck`` command."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line."""
    # an interrupt while it is imported, which takes a while, would show where in the imports that was
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    from driftcheck.cli import main as run

    run()


if __name__ == "__main__":
    main()
