"""Why a candidate was not sent. It lies on this floor because the checks of the data give some of these reasons."""

from enum import StrEnum


class SuppressionReason(StrEnum):
    """Why a candidate was not sent."""

    STALE = "stale"
    OPEN_CANDLE = "open_candle"
    COOL_DOWN = "cool_down"
    REPEAT = "repeat"
    CONFLICT = "conflict"
    LOW_QUALITY = "low_quality"
    REGIME = "regime"
    HALTED = "halted"
    BAD_DATA = "bad_data"
    BAD_LEVELS = "bad_levels"
