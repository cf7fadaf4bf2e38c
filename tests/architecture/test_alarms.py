"""What goes wrong is told to whoever runs this: every alarm has a reader, every queue of dead letters an alarm."""

import pytest


@pytest.fixture(scope="session")
def alarms(of_type):
    return {name: body["Properties"] for name, body in of_type("AWS::CloudWatch::Alarm").items()}


def test_every_queue_of_dead_letters_tells_of_the_first_one(alarms, of_type):
    dead = {name for name in of_type("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    told = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in alarms.values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        and (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    }
    assert told == dead


def test_every_alarm_goes_where_alarms_are_read_and_says_when_it_is_over(alarms):
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmsTopic"}], name
        assert alarm["AlarmDescription"], name


def test_what_stops_altogether_is_missed_and_what_has_nothing_to_do_is_not(alarms):
    missed = {name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"}
    assert missed == {"PricesStoppedAlarm"}
    assert alarms["PricesStoppedAlarm"]["ComparisonOperator"] == "LessThanThreshold"


def test_a_system_whose_schedules_are_off_is_not_missed(expanded):
    watched = expanded["Conditions"]["IsWatched"]["Fn::And"]
    assert {"Condition": "IsCloud"} in watched
    assert {"Fn::Equals": [{"Ref": "Schedules"}, "ENABLED"]} in watched
    assert expanded["Resources"]["PricesStoppedAlarm"]["Condition"] == "IsWatched"


def test_alarms_exist_only_where_there_are_metrics(of_type):
    assert {body["Condition"] for body in of_type("AWS::CloudWatch::Alarm").values()} == {"IsCloud", "IsWatched"}


def test_whoever_hears_an_alarm_can_look_up_what_to_do(alarms, of_type, root):
    page = (root / "docs" / "operations.md").read_text()
    for name in alarms:
        assert f"`{name}`" in page or name.endswith("DeadLettersAlarm"), name
    queues = of_type("AWS::SQS::Queue")
    for name in queues:
        of_a_queue = name.removesuffix("DeadLetters") + "Queue" in queues
        assert not name.endswith("DeadLetters") or of_a_queue or f"`{name}`" in page, name
