"""The items of the candles table. Every series has a partition of its own:

exchange#timeframe#bucket            / candle time   frames of many symbols `f_<hash of the symbols>`, and `parts`,
                                                     their names as they were written; gaps that end
                                                     there, `ga_`, `gf_` and `gt_<crc32>`
chunk#exchange#timeframe#symbol      / chunk start   `chunk`, `packed_upto`
packed#exchange#timeframe#bucket     / 0             `packed_upto`: until when the bucket's frames were packed
revision#exchange#timeframe#symbol   / candle time   data revisions `r_<hash>`

This module, `chunk_table` and `plain_codec` do without numpy: the API reads candles through them.
"""

from collections.abc import Iterator

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import WholeAttribute
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.domain.market.timeframe import Timeframe


class FrameItem(Table):
    """The frames of one bucket's symbols at one candle time; and, under other series, what the module says."""

    class Meta:
        table_name = ""

    setting = "CANDLES_TABLE"
    frame_series = UnicodeAttribute(hash_key=True)  # exchange#timeframe#bucket
    time = WholeAttribute(range_key=True)  # open time, epoch ms


def series_of(exchange: str, timeframe: Timeframe, bucket: int) -> str:
    """Return the partition of a bucket's frames."""
    return f"{exchange}#{timeframe}#{bucket}"


def frame_items(series: str, first_open: int, last_open: int) -> Iterator[RawItem]:
    """Yield the items of a span (epoch ms, both ends included), oldest first, read consistently."""
    if first_open > last_open:
        return
    pages = FrameItem.query_raw(
        "#frame_series = :series AND #time BETWEEN :first AND :last",
        {":series": {"S": series}, ":first": {"N": str(first_open)}, ":last": {"N": str(last_open)}},
        ConsistentRead=True,
    )
    for page in pages:
        yield from page


def frames_in(item: RawItem) -> dict[str, bytes]:
    """Return the frames of an item by the names of their attributes, the one written first first."""
    return {part["S"]: item[part["S"]]["B"] for part in item.get("parts", {"L": []})["L"]}
