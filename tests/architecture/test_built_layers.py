"""Every handler finds all it imports, now or later, in its own layers as the recipe builds them.

The local cloud runs functions with everything installed, so it would never miss a package that a layer lacks, nor a
module that the recipe takes out of one.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from infra.local.ministack import scratch_place

ROOT = Path(__file__).parents[2]
OURS = ROOT / "layers" / "signalbox" / "python"
BOOTSTRAP = "signalbox.bootstrap"
LOADER = """
import importlib, importlib.util, json, sys
order = json.load(sys.stdin)
sys.path[:0] = order["paths"]
missing = []
def attempt(who, what):
    try:
        what()
    except ImportError as e:
        missing.append(f"{who}: {type(e).__name__}: {e}")
for handler in order["handlers"]:
    spec = importlib.util.spec_from_file_location(handler.replace("/", "_"), handler)
    attempt(handler, lambda: spec.loader.exec_module(importlib.util.module_from_spec(spec)))
for module in order["modules"]:
    attempt(module, lambda: importlib.import_module(module))
for exchange in order["exchanges"]:
    from signalbox.adapters.exchanges.ccxt_import import exchange_class
    attempt(exchange, lambda: exchange_class(exchange))
outside = [m.__file__ for m in sys.modules.values() if "site-packages" in (getattr(m, "__file__", None) or "")]
json.dump({"missing": missing, "outside": outside}, sys.stdout)
"""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def source_of(module: str) -> Path | None:
    """Return the file of a module of ours, None for other modules and for names inside modules."""
    path = OURS / module.replace(".", "/")
    found = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in found if module.startswith("signalbox") and file.exists()), None)


def imported(tree: ast.AST) -> set[str]:
    """Return the modules a tree imports, also inside functions, but not for type checkers only."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {inner for alias in node.names if source_of(inner := f"{node.module}.{alias.name}")}
        found |= imported(node)
    return found


def factories_used(tree: ast.AST) -> set[str]:
    """Return the names of bootstrap that a module asks for."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bootstrap"
    }


def reached_in_bootstrap(names: set[str]) -> set[str]:
    """Return the modules that bootstrap imports to make these names: its factories call each other."""
    top = {
        node.name: node for node in parsed(OURS / "signalbox/bootstrap.py").body if isinstance(node, ast.FunctionDef)
    }
    seen: set[str] = set()
    waiting = [name for name in names if name in top]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [n.id for n in ast.walk(top[name]) if isinstance(n, ast.Name) and n.id in top]
    return {module for name in seen for module in imported(top[name])}


def reached(handler: Path) -> set[str]:
    """Return every module that a handler imports, at once or when it first needs it, through all of ours."""
    modules: set[str] = set()
    waiting = [handler]
    read: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file in read:
            continue
        read.add(file)
        found = imported(parsed(file)) if file.name != "bootstrap.py" else {BOOTSTRAP}
        found |= reached_in_bootstrap(factories_used(parsed(file)))
        modules |= found
        waiting += [source for module in found if (source := source_of(module))]
    return modules


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The third-party layers, built by their own recipe from what is installed here."""
    # In memory where there is some: these are thousands of small files.
    memory = scratch_place()
    place = Path(tempfile.mkdtemp(dir=memory)) if memory else tmp_path_factory.mktemp("layers")
    pip = place / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("installed_layer.py")}" "$@"\n')
    pip.chmod(0o755)
    goals = {"runtime": "trim-runtime", "numeric": "trim-numeric", "exchange": "trim-exchange", "web": "trim-web"}
    for layer in ("runtime", "numeric", "exchange", "web", "sentiment"):
        command = ["make", "-s", "-f", "Makefile", goals.get(layer, "install"), f"LAYER_PYTHON={pip}"]
        environment = {"PATH": os.environ["PATH"], "ARTIFACTS_DIR": str(place / layer)}
        subprocess.run(command, cwd=ROOT / "layers" / layer, env=environment, check=True, timeout=120)  # noqa: S603 (ours)
    yield place
    shutil.rmtree(place)


def test_every_handler_imports_with_nothing_but_its_layers(built: Path, template) -> None:
    handlers: dict[frozenset[str], list[Path]] = defaultdict(list)
    common = template["Globals"]["Function"]["Layers"]
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            names = layer_names([common, resource["Properties"].get("Layers", [])])
            handlers[names].append(ROOT / resource["Properties"]["CodeUri"] / "app.py")
    assert sum(map(len, handlers.values())) == len(list((ROOT / "functions").glob("*/app.py")))
    for layers, files in handlers.items():
        assert missing_with(built, layers, files) == []


def test_a_package_that_a_layer_lacks_is_named(built: Path) -> None:
    found = missing_with(built, frozenset({"runtime"}), [ROOT / "functions" / "reprice_signals" / "app.py"])
    assert any("No module named 'numpy'" in line for line in found)


def layer_names(value: object) -> frozenset[str]:
    """Return the third-party layers that a template's value names by `Ref`."""
    if isinstance(value, dict):
        name = str(value.get("Ref", ""))
        own = {name.removesuffix("Layer").lower()} if name.endswith("Layer") and name != "SignalboxLayer" else set()
        return frozenset(own).union(*map(layer_names, value.values()))
    return frozenset().union(*map(layer_names, value)) if isinstance(value, list) else frozenset()


def missing_with(built: Path, layers: frozenset[str], handlers: list[Path]) -> list[str]:
    """Return what handlers cannot import in a Python that has the standard library and these layers alone."""
    modules = sorted(set[str]().union(*map(reached, handlers)))
    order = {
        "paths": [str(OURS), *(str(built / layer / "python") for layer in sorted(layers))],
        "handlers": [str(handler) for handler in handlers],
        "modules": modules,
        "exchanges": ["binance", "bybit", "kraken"] if "exchange" in layers else [],
    }
    command = [sys.executable, "-I", "-S", "-W", "error::ImportWarning", "-c", LOADER]
    done = subprocess.run(  # noqa: S603 (ours)
        command, input=json.dumps(order), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["outside"] == []
    return list(told["missing"])
