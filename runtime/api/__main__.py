"""The way in: `netc` and `python -m netc`. Imports nothing before Ctrl-C is met with a word instead of a traceback."""

import sys


def main() -> int:
    try:
        from netc.commands import main as command_line

        return command_line()
    except KeyboardInterrupt:
        sys.stderr.write("netc: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
