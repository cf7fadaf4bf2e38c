"""Stands in for pip where a layer is built by its own recipe: it gives what the lock installed here.

    installed_layer.py -m pip install --target FOLDER --requirement FILE ...

Only the fetching is replaced: the versions are the lock's, the binaries are those of this machine. What the recipe
takes out of a layer afterwards is then missing as it will be missing on AWS.
"""

import importlib.util
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Do what `pip install --target --requirement` would do."""
    target = Path(arguments[arguments.index("--target") + 1])
    for line in Path(arguments[arguments.index("--requirement") + 1]).read_text().splitlines():
        for listed in distribution(line.split("==")[0]).files or ():
            if not listed.is_absolute() and ".." not in listed.parts:
                _place(Path(str(listed.locate())), target / listed)


def _place(source: Path, place: Path) -> None:
    if source.parent.name == "__pycache__":
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.name == "__init__.py":
        # Recipes write over some of these, which must not reach what is installed.
        shutil.copy2(source, place)
    else:
        place.symlink_to(source)
    compiled = Path(importlib.util.cache_from_source(str(source)))
    if source.suffix == ".py" and compiled.exists():
        cached = Path(importlib.util.cache_from_source(str(place)))
        cached.parent.mkdir(exist_ok=True)
        cached.symlink_to(compiled)


if __name__ == "__main__":
    main(sys.argv[1:])
