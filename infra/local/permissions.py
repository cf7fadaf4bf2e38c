"""The one place where the local cloud's reading of policies differs from AWS's and the template is not to know.

On AWS `sqs:SendMessage` also allows SendMessageBatch, and there is no action of that name; the local cloud asks for it.
So with `sns:Publish` and PublishBatch.
"""

from typing import Any

BATCHED = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sns:Publish")


def with_batch_actions(value: Any) -> Any:
    """Return a copy of a template (or a part of it) whose policies name batch actions beside the single ones."""
    if isinstance(value, list):
        return [with_batch_actions(item) for item in value]
    if not isinstance(value, dict):
        return value
    copied = {key: with_batch_actions(item) for key, item in value.items()}
    actions = copied.get("Action")
    if copied.get("Effect") == "Allow" and actions:
        named = [actions] if isinstance(actions, str) else actions
        extra = [f"{action}Batch" for action in named if action in BATCHED]
        copied["Action"] = [*named, *extra]
    return copied
