"""What the cache of questions saves on a day of readers and writers, and whether anybody gets what is old."""

import os
from dataclasses import dataclass

from infra.bench.answer_times import BEFORE, CORE, NEAR, RECOMPUTED, SHARED, milliseconds
from infra.bench.cache_day import RELAY, Day
from infra.bench.cache_trace import WORKERS, Write
from infra.bench.findings import Figure, Findings, Table
from infra.bench.registry import subject

CALL_MS = 4.0
"""What a call to DynamoDB takes besides the caller's own work, in the model of time."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the readers of a day wait for, in ms: `own` is the API's work on a page by how it is answered, measured;
    each call to DynamoDB adds `CALL_MS`."""

    day: Day
    own: dict[str, float]

    @property
    def before(self) -> float:
        """Without a cache: one call for each page, and decoding it."""
        return self.day.reads * (CALL_MS + self.own[BEFORE])

    @property
    def after(self) -> float:
        """With it: every look at counters and kept answers, and for what was read anew the lease, the page and keeping
        it."""
        counted = self.day.figures
        shared = counted.shared_hits + counted.waited_hits + counted.stale_answers
        work = counted.near_hits * self.own[NEAR] + shared * self.own[SHARED]
        return CALL_MS * self.day.calls + work + (counted.recomputed + counted.bypassed) * self.own[RECOMPUTED]


@subject("Cache: what it saves on a day's trace, warming counted in, and whether anybody reads what is old")
def measure() -> Findings:
    """Return `cache.hit_rate`, `cache.read_units_saved`, `cache.stale_reads`, `cache.hit_rate_gain` and
    `history.query_time_cut`."""
    for setting in ("CACHE_TABLE", "SIGNALS_TABLE"):
        os.environ.setdefault(setting, setting.lower())
    day = Day().play()
    deaf = Day(hears=False).play()
    writes = sum(isinstance(each, Write) for each in day.happenings)
    on = f"{day.reads:,} reads by Zipf's law and {writes:,} writes in bursts, {WORKERS} workers"
    waiting = Waiting(day, milliseconds(day.typical_page, day.workers[0].answered))
    return Findings(figures=(*_saved(day, deaf, on), _time_cut(waiting, on)), tables=(_how(day), _times(waiting)))


def _saved(day: Day, deaf: Day, on: str) -> tuple[Figure, ...]:
    ttl_rate = day.ttl_hits / day.reads
    return (
        Figure("cache.hit_rate", day.figures.hit_rate, "higher", 0.9, f"{on}: reads that read no table / reads"),
        Figure(
            "cache.read_units_saved",
            1 - day.after_units / day.plain.units,
            "higher",
            0.6,
            f"{on}: 1 - read units with the cache (counters, kept pages, warming) / without; from item sizes",
        ),
        Figure(
            "cache.stale_reads",
            float(day.stale),
            "lower",
            0.0,
            f"{on}: answers that the record did not give at any moment of the second before, with events"
            f" {RELAY.total_seconds()} s on their way; without events {deaf.stale:,}",
        ),
        Figure(
            "cache.hit_rate_gain",
            day.figures.hit_rate - ttl_rate,
            "higher",
            0.4,
            f"{on}: hit rate - that of a cache with the same promise by time alone, one second ({ttl_rate:.2f})",
        ),
    )


def _time_cut(waiting: Waiting, on: str) -> Figure:
    return Figure(
        "history.query_time_cut",
        1 - waiting.after / waiting.before,
        "higher",
        0.6,
        f"{on}: 1 - time from question to answer with the cache / without; {CALL_MS:g} ms a call in the model, and the"
        f" API's own processor time measured on {CORE} of a core, in the order of one worker's day: request, reply,"
        " decoding, JSON and entity tag",
    )


def _how(day: Day) -> Table:
    counted = day.figures
    rows = (
        ("in the worker", f"{counted.near_hits / counted.requests:.1%}"),
        ("in the table", f"{counted.shared_hits / counted.requests:.1%}"),
        ("read anew by a reader", f"{counted.recomputed / counted.requests:.1%}"),
        ("read anew to warm", f"{day.warmer.recomputed:,} pages"),
        ("read units without, with", f"{day.plain.units:,.0f}, {day.after_units:,.0f}"),
    )
    return Table("How a day's questions were answered", ("where", "share"), rows)


def _times(waiting: Waiting) -> Table:
    day = waiting.day
    rows = tuple((name, f"{each:.1f} ms") for name, each in waiting.own.items())
    return Table(
        f"What a page of {len(day.typical_page)} takes the API itself, beside calls of {CALL_MS:g} ms",
        ("how it is answered", "processor time"),
        (
            *rows,
            ("calls per answer", f"{day.calls / day.reads:.2f}"),
            (
                "an answer without, with the cache",
                f"{waiting.before / day.reads:.1f}, {waiting.after / day.reads:.1f} ms",
            ),
        ),
    )
