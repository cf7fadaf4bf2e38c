"""Student's t distribution, in plain Python: the functions that read statistics do without numpy."""

from math import exp, isinf, lgamma, log, sqrt

from signalbox.domain.errors import InvalidValueError

_TINY = 1e-300
_STEPS = 300


def upper_tail(t: float, degrees: float) -> float:
    """Return P(T > t) for `degrees` > 0 degrees of freedom, to about 1e-12."""
    if degrees <= 0:
        raise InvalidValueError(f"degrees must be positive, were {degrees}")
    if isinf(t):
        return 0.0 if t > 0 else 1.0
    half = 0.5 * _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))
    return half if t >= 0 else 1 - half


def upper_quantile(tail: float, degrees: float) -> float:
    """Return the t with P(T > t) = `tail`, for 0 < tail < 0.5."""
    if not 0 < tail < 0.5:
        raise InvalidValueError(f"tail must be between 0 and 0.5, was {tail}")
    low, high = 0.0, 1.0
    while upper_tail(high, degrees) > tail:
        low, high = high, high * 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if upper_tail(middle, degrees) > tail else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(a, b, x) / a
    return 1 - front * _continued_fraction(b, a, 1 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Lentz's method for the continued fraction of the incomplete beta function (DLMF 8.17.22)."""
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > _TINY else _TINY)
    fraction = d
    for m in range(1, _STEPS + int(sqrt(a + b)) * 10):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + numerator * d
            d = 1 / (d if abs(d) > _TINY else _TINY)
            c = 1 + numerator / c
            c = c if abs(c) > _TINY else _TINY
            change = c * d
            fraction *= change
        if abs(change - 1) < 1e-15:
            break
    return fraction
