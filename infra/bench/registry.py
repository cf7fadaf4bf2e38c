"""Subjects of the benchmark: every module of this package may hold one, marked `@subject`; nothing else lists them."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import infra.bench
from infra.bench.findings import Findings
from signalbox.domain.errors import InvalidValueError

Measure = Callable[[], Findings]


class SkippedError(Exception):
    """Raised by a subject that cannot be measured here at all; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure. `name` is that of its module, `title` one line for people."""

    name: str
    title: str
    measure: Measure


_subjects: dict[str, Subject] = {}


def subject(title: str) -> Callable[[Measure], Measure]:
    """Make a function without arguments the subject of its module.

    Parameters
    ----------
    title : str
        One line that says what is measured.

    Raises
    ------
    InvalidValueError
        If the module has one already.
    """

    def register(measure: Measure) -> Measure:
        name = measure.__module__.rpartition(".")[2]
        if name in _subjects:
            raise InvalidValueError(f"{name} must hold one subject, was given {measure.__name__} as another")
        _subjects[name] = Subject(name, title, measure)
        return measure

    return register


def find(name: str) -> Subject:
    """Return the subject of one module of the package, without importing the others."""
    import_module(f"{infra.bench.__name__}.{name}")
    return _subjects[name]


def discover() -> dict[str, Subject]:
    """Return every subject of the package by name, in the order of names."""
    for module in pkgutil.iter_modules(infra.bench.__path__):
        if not module.name.startswith("__"):
            import_module(f"{infra.bench.__name__}.{module.name}")
    return dict(sorted(_subjects.items()))
