"""The floor plan as a test: who may import whom, and which third-party names each floor may use."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "signalbox" / "python" / "signalbox"

# Floor: the floors of our own it may import, and the third-party names it may use.
FLOORS: dict[str, tuple[set[str], set[str]]] = {
    "domain": ({"domain"}, {"numpy"}),
    "ports": ({"domain"}, set()),
    "settings": ({"domain"}, set()),
    "telemetry": (set(), {"aws_lambda_powertools"}),
    "batches": ({"telemetry"}, {"aws_lambda_powertools"}),
    "services": ({"domain", "ports", "services"}, {"numpy"}),
    "adapters": (
        {"domain", "ports", "settings", "adapters"},
        {"boto3", "botocore", "ccxt", "feedparser", "numpy", "pynamodb", "requests", "urllib3", "vaderSentiment"},
    ),
    "api": (
        {"domain", "ports", "services", "settings", "bootstrap", "api"},
        {"chalice", "pydantic", "typing_extensions"},
    ),
    "bootstrap": ({"domain", "ports", "settings", "adapters"}, set()),
    "functions": (
        {"domain", "services", "settings", "bootstrap", "telemetry", "batches", "api", "adapters"},
        {"aws_lambda_powertools"},
    ),
}

# Inside the domain a floor may import itself and lower ones.
DOMAIN_FLOORS = {
    "errors": 0, "instants": 0,
    "market": 1, "accounts": 1,
    "universe": 2, "indicators": 2, "sentiment": 2,
    "regimes": 3,
    "strategies": 4, "signals": 4,
    "delivery": 5, "statistics": 5, "history": 5,
    "alerts": 6, "caching": 6,
}  # fmt: skip

STANDARD_LIBRARY = __import__("sys").stdlib_module_names
SOURCES = sorted(PACKAGE.rglob("*.py")) + sorted((ROOT / "functions").glob("*/app.py"))


def _floor(path: Path) -> str:
    if path.is_relative_to(PACKAGE):
        return path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "functions"


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if node.module == "signalbox" else {str(node.module)}
    return found


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_imports_only_what_its_floor_may(path: Path) -> None:
    floor = _floor(path)
    if floor == "__init__":
        return
    own, third_party = FLOORS[floor]
    for name in _imports(path):
        top, *rest = name.split(".")
        if top == "signalbox":
            assert rest[0] in own, f"{floor} may not import {name}"
        elif top not in STANDARD_LIBRARY:
            assert top in third_party, f"{floor} may not import {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").rglob("*.py")), ids=_name)
def test_the_domain_has_floors_of_its_own(path: Path) -> None:
    relative = path.relative_to(PACKAGE / "domain").parts
    if relative == ("__init__.py",):
        return
    own = DOMAIN_FLOORS[relative[0].removesuffix(".py")]
    for name in _imports(path):
        if name.startswith("signalbox.domain."):
            other = name.split(".")[2]
            assert DOMAIN_FLOORS[other] <= own, f"{'/'.join(relative)} may not import {name}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=_name)
def test_package_files_are_empty(path: Path) -> None:
    assert path.read_text() == ""


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*/app.py")), ids=_name)
def test_a_handler_fits_on_a_page(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 60


@pytest.mark.parametrize("path", [path for path in SOURCES if _floor(path) in ("domain", "services")], ids=_name)
def test_domain_and_services_read_no_clock_and_no_environment(path: Path) -> None:
    text = path.read_text()
    for forbidden in ("datetime.now(", "time.time(", "os.environ", "utcnow(", "time.monotonic("):
        assert forbidden not in text
