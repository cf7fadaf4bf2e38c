"""Recognition of assets. Precision and recall are printed with `-s`."""

import csv
import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from signalbox.domain.sentiment.assets import ASSETS
from signalbox.domain.sentiment.recognition import assets_in

FRIENDS = [
    (set() if codes == "-" else set(codes.split(",")), title)
    for codes, title in (
        line.split("\t")
        for line in (Path(__file__).parent / "friends.tsv").read_text().splitlines()
        if not line.startswith("#")
    )
]
SYMBOLS_OF_2024H1 = (
    "AAVE APE APT ARB ASTR ATOM AVAX AVA BAND BCH BETA BONK BTC BURGER CAKE CLV COS DCR DOGE EGLD ENS ETH FET FIDA"
    " FIRO FLUX FORTH GALA ICP IDEX INJ JASMY JTO JUV LAZIO LDO LINK LOKA LTC LTO MATIC MKR NEAR OM OP ORDI PEOPLE"
    " PEPE PERP PHA PORTO PYR QI RAD RDNT REI RIF RLC RUNE SEI SHIB SOL STG STX SUI SYS TIA TRB TRX UNI WING WLD XRP"
    " YGG"
)


def test_true_friends_are_found_and_false_friends_are_not():
    hits = misses = wrong = 0
    for expected, title in FRIENDS:
        found = set(assets_in(title))
        hits, misses, wrong = (
            hits + len(found & expected),
            misses + len(expected - found),
            wrong + len(found - expected),
        )
    precision, recall = hits / (hits + wrong), hits / (hits + misses)
    print(f"assets in {len(FRIENDS)} headlines: precision {precision:.3f}, recall {recall:.3f}")  # noqa: T201
    assert precision >= 0.95
    assert recall >= 0.95


@pytest.mark.parametrize("code", sorted({*SYMBOLS_OF_2024H1.split(), *(asset.code for asset in ASSETS)}))
def test_every_asset_is_found_by_its_cashtag_its_pair_and_its_unmistakable_names(code):
    (asset,) = [each for each in ASSETS if each.code == code]
    assert assets_in(f"Traders discuss ${code} today") == (code,)
    assert assets_in(f"Volume of {code}/USDT doubles") == (code,)
    for name in asset.names:
        assert assets_in(f"Today {name.title()} makes headlines") == (code,)
        assert assets_in(f"today {name} makes headlines") == (code,)


def test_the_simulated_markets_coins_are_all_known():
    from infra.local.exchange.coins import LASTING, PASSING

    assert {coin.base for coin in (*LASTING, *PASSING)} <= {asset.code for asset in ASSETS}


def test_no_name_belongs_to_two_assets():
    names = Counter(name for asset in ASSETS for name in asset.names)
    assert [name for name, count in names.items() if count > 1] == []
    assert len({asset.code for asset in ASSETS}) == len(ASSETS)


def test_an_asset_is_told_once_and_assets_in_order():
    assert assets_in("ETH, BTC: Bitcoin (BTC) and Ethereum, $BTC") == ("BTC", "ETH")


@pytest.mark.data
def test_in_real_headlines_everyday_words_name_no_asset_and_plain_codes_do():
    titles = real_titles()
    found = [(title, set(assets_in(title))) for title in titles]
    small = [(title, codes) for title, codes in found if title.upper() != title]
    for word, code in (("near", "NEAR"), ("one", "ONE"), ("link", "LINK"), ("gas", "GAS"), ("flow", "FLOW")):
        everyday = [codes for title, codes in small if f" {word} " in title and code not in title and "$" not in title]
        named = [codes for codes in everyday if code in codes]
        assert len(named) <= 0.02 * len(everyday), word
    spelled = [codes for title, codes in found if {"BTC", "ETH"} <= set(title.replace(",", " ").split())]
    assert len(spelled) >= 30
    assert all({"BTC", "ETH"} <= codes for codes in spelled)
    share = sum(bool(codes) for _, codes in found) / len(found)
    print(f"{len(found)} real headlines: {share:.0%} name an asset")  # noqa: T201
    assert 0.4 < share < 0.8


def real_titles() -> list[str]:
    if "SIGNALBOX_DATA" not in os.environ:
        pytest.skip("SIGNALBOX_DATA names no folder of real headlines")
    with gzip.open(Path(os.environ["SIGNALBOX_DATA"]) / "news-2021-2022.csv.gz", "rt", encoding="utf-8") as lines:
        return [row["title"] for row in csv.DictReader(lines)]
