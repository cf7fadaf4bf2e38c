"""What alerts are asked again for, against how long the functions may take."""

from datetime import timedelta

from infra.assemble import assemble
from signalbox.services.evaluate_alerts import UNSEEN

CYCLE = timedelta(minutes=1)


def test_a_signal_is_stored_long_before_alerts_on_it_are_asked_for_no_more() -> None:
    """A signal names the moment at which its worker began; a check that comes in between does not find it yet."""
    timeout = assemble()["Resources"]["GenerateSignalsFunction"]["Properties"]["Timeout"]
    assert timedelta(seconds=timeout) + CYCLE <= UNSEEN
