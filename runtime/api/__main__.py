"""The way in: `netc` and `python -m netc`. Imports nothing before Ctrl-C is met with a word instead of a traceback."""

import os
import signal
import sys


def main() -> int:
    try:
        from netc.command_line import main as command_line

        status = command_line()
    except KeyboardInterrupt:
        sys.stderr.write("netc: interrupted\n")
        status = 130
    # The status is known: a signal that comes while Python ends would only be a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    workers = sys.modules.get("netc.runtime.training.workers")
    if workers is not None and workers.left_behind:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # a thread is in the middle of an iteration that may have no end
    return status


if __name__ == "__main__":
    sys.exit(main())
