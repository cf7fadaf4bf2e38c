"""The assets that headlines are searched for: names, and which of them are everyday words too.

One line per asset. Covers the symbols of the simulated market and those most traded against USDT; an asset that is
missing here has no sentiment of its own, and its news count for the market alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset and how headlines call it.

    Attributes
    ----------
    code : str
        What it is traded as, `BTC`: recognised in capitals, as a cashtag and in a pair.
    names : tuple of str
        Names that mean nothing else, in any case.
    proper : tuple of str
        Names that are words too but rarely meant as such in this news (Avalanche, Stellar): recognised with a capital,
        unless the next word is in `unless`.
    everyday : tuple of str
        Names that are everyday words (Near, Flow): recognised with a capital only before a word such as `protocol`.
    is_word : bool
        Whether the code itself is an everyday word or abbreviation (`NEAR`, `ONE`, `OP`): in capitals it is recognised
        only in a list of codes or before a word of the market.
    is_abbreviation : bool
        Whether the code stands for something else too that other news name (`ADA`, an act of Congress): it is
        recognised like a word, and where it begins a clause of a title that names another asset.
    unless : tuple of str
        Next words that make a `proper` name mean something else.
    """

    code: str
    names: tuple[str, ...] = ()
    proper: tuple[str, ...] = ()
    everyday: tuple[str, ...] = ()
    is_word: bool = False
    is_abbreviation: bool = False
    unless: tuple[str, ...] = ()

    @property
    def is_ambiguous(self) -> bool:
        """Whether the code alone, in capitals, may mean something else."""
        return self.is_word or self.is_abbreviation


def _asset(code: str, names: str = "", *, proper: str = "", everyday: str = "", unless: str = "") -> Asset:
    """Return an asset from lists parted by commas.

    A code that ends in `?` is an everyday word, one that ends in `~` an abbreviation of something else too.
    """
    return Asset(
        code=code.rstrip("?~"),
        names=_listed(names),
        proper=_listed(proper),
        everyday=_listed(everyday),
        is_word=code.endswith("?"),
        is_abbreviation=code.endswith("~"),
        unless=tuple(unless.split()),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


ASSETS: tuple[Asset, ...] = (
    _asset("BTC", "bitcoin, bitcoins, wrapped bitcoin"),
    _asset("ETH", "ethereum, ethereums, vitalik buterin", proper="Ether", unless="or way"),
    _asset("XRP", "ripplenet", proper="Ripple", unless="effect effects across through in of from out"),
    _asset("SOL", "solana"),
    _asset("BNB", "binance coin, bnb chain, binance smart chain"),
    _asset("DOGE", "dogecoin", proper="Doge"),
    _asset("ADA~", "cardano"),
    _asset("AVAX", proper="Avalanche", unless="of in as hits hit victim rescue risk"),
    _asset("TRX", "tron network, tron dao", proper="Tron, TRON", unless="legacy movie film sequel ares"),
    _asset("LTC", "litecoin"),
    _asset("BCH", "bitcoin cash"),
    _asset("BSV", "bitcoin sv"),
    _asset("ETC?", "ethereum classic"),
    _asset("DOT?", "polkadot"),
    _asset("LINK?", "chainlink"),
    _asset("MATIC", "polygon network, polygon labs", proper="Polygon", unless="shaped shape mesh art"),
    _asset("SHIB", "shiba inu", proper="Shiba", unless="dog puppy"),
    _asset("UNI?", "uniswap"),
    _asset("ATOM?", "cosmos hub, cosmos network", proper="Cosmos", unless="of magazine mission"),
    _asset("NEAR?", "near protocol, near foundation", everyday="Near"),
    _asset("FIL?", "filecoin"),
    _asset("ICP", "internet computer, dfinity"),
    _asset("APT?", "aptos"),
    _asset("ARB?", "arbitrum"),
    _asset("OP?", "optimism network, optimism mainnet, optimism foundation", everyday="Optimism"),
    _asset("INJ", "injective protocol", proper="Injective", unless="function map mapping"),
    _asset("SUI?", "sui network, sui blockchain, sui foundation, mysten labs", proper="Sui", unless="generis juris"),
    _asset("SEI?", "sei network, sei blockchain, sei labs"),
    _asset("TIA?", "celestia"),
    _asset("AAVE", "aave"),
    _asset("MKR", "makerdao, maker dao, maker protocol", everyday="Maker"),
    _asset("LDO", "lido finance, lido dao", proper="Lido", unless="deck island beach"),
    _asset("CRV", "curve finance, curve dao", everyday="Curve"),
    _asset("COMP?", "compound finance, compound protocol", everyday="Compound"),
    _asset("SAND?", "the sandbox metaverse, sandbox land", everyday="Sandbox"),
    _asset("MANA?", "decentraland"),
    _asset("AXS", "axie infinity"),
    _asset("GALA?", "gala games", everyday="Gala"),
    _asset("APE?", "apecoin"),
    _asset("ENJ", "enjin, enjin coin"),
    _asset("ALGO?", "algorand"),
    _asset("XLM", "stellar lumens", proper="Stellar",
           unless="quarter year month week gains growth performance rally run results returns earnings debut start"),
    _asset("XMR", "monero"),
    _asset("ZEC", "zcash"),
    _asset("DASH?", "dashcoin", everyday="Dash"),
    _asset("NEO?", "neo blockchain, neo smart economy"),
    _asset("GAS?", "neogas, gas token"),
    _asset("EOS?", "eos network, eos foundation"),
    _asset("XTZ", "tezos"),
    _asset("VET?", "vechain"),
    _asset("HBAR", "hedera, hedera hashgraph"),
    _asset("THETA?", "theta network, theta token"),
    _asset("FTM", "fantom"),
    _asset("ONE?", "harmony one, harmony protocol, harmony blockchain, harmony bridge", everyday="Harmony"),
    _asset("EGLD", "elrond, multiversx"),
    _asset("LUNA?", "terra luna, terraform labs", proper="Terra", unless="nova incognita firma cotta"),
    _asset("FLOW?", "flow blockchain", everyday="Flow"),
    _asset("CORE?", "core dao, coredao"),
    _asset("MASK?", "mask network"),
    _asset("JST", "just network, just foundation, tron just"),
    _asset("KSM", "kusama"),
    _asset("STX", "stacks network, stacks blockchain, blockstack", everyday="Stacks"),
    _asset("RUNE?", "thorchain"),
    _asset("WAVES?", "waves platform, waves blockchain", everyday="Waves"),
    _asset("FTT", "ftx token"),
    _asset("CAKE?", "pancakeswap"),
    _asset("SNX", "synthetix"),
    _asset("GRT", "the graph protocol, graph protocol"),
    _asset("ENS?", "ethereum name service"),
    _asset("IMX", "immutable x, immutablex"),
    _asset("RNDR", "render network, render token"),
    _asset("FET?", "fetch.ai, fetch ai"),
    _asset("WLD", "worldcoin"),
    _asset("PEPE?", "pepecoin, pepe coin, pepe memecoin", proper="Pepe", unless="the meme memes"),
    _asset("BONK?", "bonk inu", proper="Bonk"),
    _asset("ORDI", "ordinals token"),
    _asset("PEOPLE?", "constitutiondao, constitution dao"),
    _asset("ASTR", "astar network", proper="Astar"),
    _asset("AVA?", "travala"),
    _asset("BAND?", "band protocol"),
    _asset("BETA?", "beta finance"),
    _asset("BURGER?", "burgerswap, burger swap, burgercities"),
    _asset("CLV", "clover finance, clv chain"),
    _asset("COS?", "contentos"),
    _asset("DCR", "decred"),
    _asset("FIDA?", "bonfida"),
    _asset("FIRO", "zcoin", proper="Firo"),
    _asset("FLUX?", "flux network, runonflux", everyday="Flux"),
    _asset("FORTH?", "ampleforth governance, ampleforth"),
    _asset("IDEX", "idex exchange"),
    _asset("JASMY", "jasmycoin, jasmy coin"),
    _asset("JTO", "jito, jito labs"),
    _asset("JUV?", "juventus fan token"),
    _asset("LAZIO?", "lazio fan token"),
    _asset("PORTO?", "porto fan token, fc porto fan token"),
    _asset("LOKA?", "league of kingdoms"),
    _asset("LTO", "lto network"),
    _asset("OM?", "mantra dao, mantra chain, mantra omniverse"),
    _asset("PERP?", "perpetual protocol"),
    _asset("PHA?", "phala network, phala"),
    _asset("PYR?", "vulcan forged"),
    _asset("QI?", "benqi"),
    _asset("RAD?", "radicle, radworks"),
    _asset("RDNT", "radiant capital"),
    _asset("REI?", "rei network"),
    _asset("RIF?", "rootstock infrastructure, rsk infrastructure framework"),
    _asset("RLC?", "iexec"),
    _asset("STG?", "stargate finance, stargate bridge"),
    _asset("SYS?", "syscoin"),
    _asset("TRB", "tellor"),
    _asset("WING?", "wing finance"),
    _asset("YGG", "yield guild games, yield guild"),
    _asset("OMG?", "omg network, omisego"),
    _asset("XEM", "nem blockchain, nem symbol"),
    _asset("REEF?", "reef finance, reef chain"),
    _asset("LOOM?", "loom network"),
)  # fmt: skip
"""Every asset, and nothing of one that is spelled in another's line."""
