"""Zips of functions and layers: the same sources give the same bytes, so an unchanged one is never uploaded again.

Compiled modules travel with their sources (as the deployed layers ship theirs): a Lambda worker unpacks them and need
not compile anything at its cold start.
"""

import hashlib
import importlib.util
import io
import py_compile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.interrupts import held

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT = {"__pycache__", ".chalice", ".DS_Store"}


@dataclass(frozen=True, slots=True)
class Package:
    """A zip and the name it is stored under, which is the hash of its bytes."""

    data: bytes

    @property
    def key(self) -> str:
        """The object's name in the bucket."""
        return f"{hashlib.sha256(self.data).hexdigest()[:32]}.zip"


def package_function(folder: Path) -> Package:
    """Return the zip of a function's folder."""
    return _package(folder, list(_sources(folder)))


def package_layer(folder: Path) -> Package:
    """Return the zip of a layer: its `python/` folder.

    Layers that only name packages to install are empty here: functions run with this machine's own interpreter,
    which has them.
    """
    return _package(folder, [path for path in _sources(folder) if path.relative_to(folder).parts[0] == "python"])


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _LEFT_OUT.intersection(path.relative_to(folder).parts):
            yield path


def _package(folder: Path, files: list[Path]) -> Package:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        # An archive without any member cannot be unpacked everywhere.
        _add(archive, "signalbox.txt", f"{folder.name}\n".encode())
        for path in files:
            name = path.relative_to(folder).as_posix()
            _add(archive, name, path.read_bytes())
            if path.suffix == ".py":
                compiled = Path(importlib.util.cache_from_source(name)).as_posix()
                _add(archive, compiled, _compiled(path, name))
    return Package(buffer.getvalue())


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, date_time=_EPOCH)
    member.external_attr = 0o644 << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, data)


def _compiled(path: Path, name: str) -> bytes:
    # A signal between making the folder and knowing it would leave it behind.
    with held(), tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "compiled.pyc"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(path), cfile=str(target), dfile=name, doraise=True, invalidation_mode=mode)
        return target.read_bytes()
