"""What PyTensor and Matplotlib need of a system: a folder for compiled programs and fonts.

They keep these below the home folder. Where it is missing or cannot be written to, as in containers
and batch jobs, PyTensor cannot even be imported; a temporary folder serves.
"""

import os
import stat
import sys
import sysconfig
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

from palm_bayes.errors import PalmError, PalmWarning

_FLAGS = "PYTENSOR_FLAGS"


@cache
def ensure_cache() -> None:
    """Set PyTensor's and Matplotlib's folders to a temporary one if need be, and warn once.

    Where Python's headers are missing, PyTensor is kept from compiling C. The user's own settings
    come first, and nothing is changed once PyTensor is imported.

    Raises
    ------
    PalmError
        If no temporary folder can be written to either.
    """
    if "PYTENSORRC" in os.environ or "pytensor" in sys.modules:
        return
    _without_headers()
    flags = os.environ.get(_FLAGS, "")
    if "compiledir" in flags:
        return
    usual = _usual_folder()
    if _is_writable(usual):
        return
    try:
        folder = _temporary_folder()
    except OSError as error:
        raise PalmError(
            f"neither {usual} nor a temporary folder can be written to: set {_FLAGS}="
            "base_compiledir=FOLDER"
        ) from error
    _add_flag(f"base_compiledir={folder}")
    os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
    warnings.warn(
        f"{usual} cannot be written to: compiled programs are kept in {folder}, and the first fit "
        f"compiles anew; {_FLAGS}=base_compiledir=FOLDER names another folder",
        PalmWarning,
        stacklevel=2,
    )


def _without_headers() -> None:
    """Keep PyTensor from compiling C where Python's headers are missing: it would fail.

    Debian, for example, has them in a package of their own, python3-dev. Sampling needs no C.
    """
    header = Path(sysconfig.get_path("include"), "Python.h")
    if "cxx=" not in os.environ.get(_FLAGS, "") and not header.exists():
        _add_flag("cxx=")


def _add_flag(flag: str) -> None:
    os.environ[_FLAGS] = ",".join(filter(None, [os.environ.get(_FLAGS), flag]))


def _usual_folder() -> Path:
    """Return the folder that PyTensor uses by default."""
    if sys.platform == "win32" and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"]) / "PyTensor"
    home = os.environ.get("HOME", os.path.expanduser("~"))  # noqa: PTH111 -- never raises
    return Path(home) / ".pytensor"


def _is_writable(folder: Path) -> bool:
    """Return True if files can be made in a folder, which is made if its parent is there."""
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _temporary_folder() -> Path:
    """Return a folder of this user, the same in later processes: nobody else may write to it.

    Its contents are executed, so a folder that another user made under this name is not used.
    """
    user = os.getuid() if sys.platform != "win32" else 0
    folder = Path(tempfile.gettempdir()) / f"palm_bayes-{user}"
    with suppress(FileExistsError):  # also of a file, or of a link to nothing
        folder.mkdir(mode=0o700)
    about = folder.lstat()
    ours = stat.S_ISDIR(about.st_mode) and about.st_uid == user and not about.st_mode & 0o022
    return folder if ours and _is_writable(folder) else Path(tempfile.mkdtemp(prefix="palm_bayes-"))
