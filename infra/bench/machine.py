"""The machine and the versions that a benchmark's figures belong to."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
"""The environment of every measuring process: one thread, whatever the libraries would like."""

_PACKAGES = ("numpy", "TA-Lib", "boto3", "ccxt", "pynamodb", "chalice")


def describe() -> dict[str, str]:
    """Return the machine and the versions, one fact each."""
    facts = {
        "processor": f"{_processor()}, {os.cpu_count()} visible",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }
    return facts | {name: found for name in _PACKAGES if (found := _version(name))}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> str:
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return "unknown"
    return f"{pages / 2**30:.0f} GiB"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
