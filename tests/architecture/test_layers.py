"""The third-party layers: what is pinned is what is tested, and one recipe builds them all."""

import re
from pathlib import Path

import pytest

from signalbox.settings import Settings

ROOT = Path(__file__).parents[2]
LAYERS = {"runtime": "runtime", "numeric": "numeric", "exchange": "exchange", "web": "web", "sentiment": "sentiment"}
LAMBDA_PYTHON = (3, 13)
PIN = re.compile(r"([a-z0-9][a-z0-9.-]*)==(\S+)")


def pins_of(layer: str) -> dict[str, str]:
    """Return the packages of a layer and their versions."""
    pins = {}
    for line in (ROOT / "layers" / layer / "requirements.txt").read_text().splitlines():
        found = PIN.fullmatch(line)
        assert found, f"every line of layers/{layer}/requirements.txt must be name==version, was {line!r}"
        pins[found[1]] = found[2]
    return pins


def locked_for_lambda() -> dict[str, str]:
    """Return what the lock installs on Lambda's Python."""
    locked = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        found = re.match(r"([a-z0-9][a-z0-9.-]*)==(\S+) ?(?:; (.*?))? ?\\?$", line)
        if found and _holds_on_lambda(found[3] or ""):
            assert found[1] not in locked, f"{found[1]} must have one version on Lambda, has two"
            locked[found[1]] = found[2]
    return locked


def _holds_on_lambda(marker: str) -> bool:
    bound = re.search(r"python_full_version (<|>=) '(\d+)\.(\d+)'", marker)
    if not bound:
        return True
    version = int(bound[2]), int(bound[3])
    return version > LAMBDA_PYTHON if bound[1] == "<" else version <= LAMBDA_PYTHON


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_pins_what_the_lock_installs_on_lambda(layer):
    locked = locked_for_lambda()

    assert pins_of(layer).items() <= locked.items()


@pytest.mark.parametrize(("layer", "group"), LAYERS.items())
def test_a_layer_holds_its_dependency_group(layer, group):
    text = (ROOT / "pyproject.toml").read_text()
    listed = re.search(rf"^{group} = \[(.*)\]$", text, re.MULTILINE)
    assert listed

    assert set(re.findall(r'"([a-z0-9-]+)', listed[1])) <= set(pins_of(layer))


def test_a_package_that_two_layers_hold_has_one_version():
    held = [set(pins_of(layer).items()) for layer in LAYERS]
    every = set.union(*held)

    assert len({name for name, _ in every}) == len(every)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_is_built_by_the_one_recipe(layer):
    makefile = ROOT / "layers" / layer / "Makefile"

    assert makefile.resolve() == ROOT / "layers" / "build.mk"
    assert f"build-{layer.title()}Layer:" in makefile.read_text()


def test_the_exchange_layer_keeps_every_exchange_that_the_settings_use_by_default():
    kept = re.search(r"^LAYER_EXCHANGES \?= (.*)$", (ROOT / "layers" / "build.mk").read_text(), re.MULTILINE)
    assert kept

    assert set(Settings.from_environment({}).exchanges) <= set(kept[1].split())
