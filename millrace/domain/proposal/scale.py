"""Which round number is near, above or below?"""

import math
from datetime import timedelta

_STEPS = (1.0, 2.0, 5.0, 10.0)


def round_up(value: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten, at least `value`.

    >>> round_up(0.013), round_up(700), round_up(0.05)
    (0.02, 1000.0, 0.05)
    """
    if value <= 0 or not math.isfinite(value):
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    step = next(step for step in (*_STEPS, 20.0) if step * power >= value * (1 - 1e-9))
    return _clean(step * power)


def round_down(value: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten, at most `value`.

    >>> round_down(0.013), round_down(700), round_down(0.05)
    (0.01, 500.0, 0.05)
    """
    if value <= 0 or not math.isfinite(value):
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    step = next(step for step in reversed(_STEPS) if step * power <= value * (1 + 1e-9))
    return _clean(step * power)


def two_digits(value: float) -> float:
    """Return the number with two digits.

    >>> two_digits(0.6789), two_digits(123.0)
    (0.68, 120.0)
    """
    return float(f"{value:.2g}")


def outward(value: float, upward: bool) -> float:
    """Return a number with two digits that is at least, or at most, `value`.

    >>> outward(0.671, True), outward(-123, False), outward(151, False)
    (0.68, -130.0, 150.0)
    """
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    whole = math.ceil(value / unit - 1e-9) if upward else math.floor(value / unit + 1e-9)
    return _clean(whole * unit)


def duration(time: timedelta) -> str:
    """Write a time as model.toml does, in the largest unit that fits.

    >>> duration(timedelta(days=2)), duration(timedelta(minutes=90))
    ('2d', '90m')
    """
    seconds = int(time.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _clean(value: float) -> float:
    return float(f"{value:.12g}")
