"""One-time tokens in DynamoDB: taken by a conditional delete, so that of two takers one gets it."""

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import MomentAttribute, WholeAttribute, WordAttribute, sortable_iso
from signalbox.adapters.storage.dynamo import ConditionFailedError, Table, call
from signalbox.domain.accounts.tokens import OneTimeToken, Purpose

_GOOD = "#purpose = :purpose AND #expires_at > :now"


class TokenItem(Table):
    """One token that was not used yet; or, of signed ones that are good once, one that was."""

    class Meta:
        table_name = ""

    setting = "TOKENS_TABLE"

    token_hash = UnicodeAttribute(hash_key=True)
    purpose = WordAttribute(Purpose)
    account_id = UnicodeAttribute()
    subject = UnicodeAttribute()
    expires_at = MomentAttribute()
    ttl = WholeAttribute()


class DynamoOneTimeTokenRepository:
    """Implements `ports.OneTimeTokenRepository`."""

    def add(self, token: OneTimeToken) -> bool:
        """Store a token; return False, changing nothing, if it is there already: then it was used before."""
        return TokenItem(
            token_hash=token.token_hash,
            purpose=token.purpose,
            account_id=token.account_id,
            subject=token.subject,
            expires_at=token.expires_at,
            ttl=int(token.expires_at.timestamp()) + 1,
        ).put_new()

    def take(self, token_hash: str, purpose: Purpose, now: datetime) -> OneTimeToken | None:
        """Remove the token and return it, to one caller only; None if it is not there, is over, or is for something
        else."""
        request = {
            "TableName": TokenItem.name(),
            "Key": {"token_hash": {"S": token_hash}},
            "ConditionExpression": _GOOD,
            "ExpressionAttributeNames": {"#purpose": "purpose", "#expires_at": "expires_at"},
            "ExpressionAttributeValues": {":purpose": {"S": str(purpose)}, ":now": {"S": sortable_iso(now)}},
            "ReturnValues": "ALL_OLD",
        }
        try:
            values = TokenItem.values(call("DeleteItem", request)["Attributes"])
        except ConditionFailedError:
            return None
        del values["ttl"]
        return OneTimeToken(**values)
