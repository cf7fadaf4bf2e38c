"""Which news a run reads: the template's parameters for each kind of market."""

from signalbox.adapters.news.fear_greed import PUBLIC_URL
from signalbox.domain.sentiment.feeds import DEFAULT

REAL_NEWS = {"SentimentFeeds": DEFAULT, "FearGreedUrl": PUBLIC_URL}
"""Of a run in real time on a real market; while it lives through the past, today's news would tell the future."""


def local_news(endpoint: str, sources: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters that point at the news desk of the local exchange; none where it has no `sources`."""
    if not sources:
        return {}
    feeds = ",".join(f"{source}={endpoint}/news/{source}.rss" for source in sources)
    return {"SentimentFeeds": feeds, "FearGreedUrl": f"{endpoint}/news/fear-greed"}
