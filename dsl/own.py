"""Whether what lies on disk is this user's alone: what is unpickled or executed may be nobody else's. Reads nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def is_own(path: Path) -> bool:
    """A folder or file, no link, of this user, that nobody else may write to. Raises OSError where there is none."""
    if not hasattr(os, "getuid"):
        return True
    about = os.lstat(path)
    known = stat.S_ISDIR(about.st_mode) or stat.S_ISREG(about.st_mode)
    return known and about.st_uid == os.getuid() and not about.st_mode & 0o022
