"""The way in: `netc` and `python -m netc`. Imports nothing before Ctrl-C is met with a word instead of a traceback."""

import signal
import sys


def main() -> int:
    try:
        from netc.commands import main as command_line

        return command_line()
    except KeyboardInterrupt:
        sys.stderr.write("netc: interrupted\n")
        return 130
    finally:
        # The status is known: a signal that comes while Python ends would only be a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
