"""Refuse a Python or a system for which the packages of requirements.txt have no wheels.

`make` runs it before it installs anything. Python 3.6 can read it, so that an old Python prints
the sentence and no SyntaxError.
"""

import platform
import sys

OLDEST, NEWEST = (3, 11), (3, 13)  # tensorflow has wheels for the fewest


def refusal(version, system, machine, libc):
    """Say in one sentence what is wrong and what to do.

    Args:
        version: (3, 12), as sys.version_info begins.
        system: What platform.system() returns.
        machine: What platform.machine() returns.
        libc: The name that platform.libc_ver() returns; only looked at on Linux.

    Returns:
        The sentence, or None where everything can be installed.
    """
    oldest, newest, found = (".".join(map(str, pair)) for pair in (OLDEST, NEWEST, version))
    if version < OLDEST:
        return (
            f"Python {oldest} or newer is needed and this is {found}: install one, up to {newest}, "
            f"and name it, as in make run PYTHON=python{newest}"
        )
    if version > NEWEST:
        return (
            f"TensorFlow has no wheels for Python {found} yet: install Python {oldest} to {newest} "
            f"and name it, as in make run PYTHON=python{newest}"
        )
    if system == "Darwin" and machine == "x86_64":
        return (
            "TensorFlow has no wheels for Macs with an Intel processor any more (or this Python "
            "was built for one): use Linux in a container or on another machine; on Apple silicon "
            "a Python for arm64."
        )
    if system not in ("Linux", "Darwin"):
        return (
            f"The course does not run on {system} itself: on Windows install WSL (wsl --install) "
            "and run make there, elsewhere use Linux in a container."
        )
    if system == "Linux" and libc != "glibc":
        return (
            "TensorFlow has no wheels for a Linux without glibc, such as Alpine: use one with "
            "glibc, such as Debian, Ubuntu or Fedora."
        )
    if machine not in ("x86_64", "aarch64", "arm64"):
        return f"TensorFlow has no wheels for {machine} processors: use x86_64 or 64-bit ARM."
    return None


def main():
    """Exit with the sentence, if there is one."""
    libc, _ = platform.libc_ver()
    sys.exit(refusal(sys.version_info[:2], platform.system(), platform.machine(), libc))


if __name__ == "__main__":
    main()
