"""Devices at Amazon SNS: an endpoint for each device token, under the operator's platform application."""

import re

from botocore.exceptions import ClientError, ParamValidationError

from signalbox.adapters import aws
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError

_KNOWN = re.compile(r"Endpoint (arn:\S+) already exists with the same Token")
_REFUSALS = frozenset({"InvalidParameter", "InvalidParameterValue", "ValidationError"})


class SnsPlatform:
    """Implements `ports.PushPlatform`.

    Parameters
    ----------
    application : str
        The ARN of the platform application, which holds the credentials for Apple's or Google's service.
    """

    def __init__(self, application: str) -> None:
        self._application = application

    def endpoint(self, token: str) -> str:
        """Return the endpoint of a device token, made or switched on again where needed.

        SNS switches an endpoint off when its service says that the device is gone. A device that registers is there, so
        its endpoint is switched on.

        Raises
        ------
        RecipientRejectedError
            If SNS does not take the token.
        ChannelUnavailableError
            If SNS is throttled or failing, or the application is not set up.
        """
        sns = aws.client("sns")
        try:
            arn = self._created(token)
            if sns.get_endpoint_attributes(EndpointArn=arn)["Attributes"].get("Enabled", "").lower() != "true":
                sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "true", "Token": token})
        except ParamValidationError as e:
            raise RecipientRejectedError(f"a device token must be one of its platform, was not: {e}") from e
        except (ClientError, *aws.NETWORK_ERRORS) as e:
            if isinstance(e, ClientError) and aws.error_code(e) in _REFUSALS:
                raise RecipientRejectedError(f"a device token must be one of its platform, was not: {e}") from e
            raise ChannelUnavailableError(f"SNS did not register a device: {e}") from e
        return arn

    def remove(self, endpoint: str) -> None:
        """Remove an endpoint, known or not; raise ChannelUnavailableError if SNS is failing."""
        try:
            aws.client("sns").delete_endpoint(EndpointArn=endpoint)
        except (ClientError, *aws.NETWORK_ERRORS) as e:
            if not isinstance(e, ClientError) or aws.error_code(e) != "NotFound":
                raise ChannelUnavailableError(f"SNS did not remove an endpoint: {e}") from e

    def _created(self, token: str) -> str:
        try:
            reply = aws.client("sns").create_platform_endpoint(PlatformApplicationArn=self._application, Token=token)
        except ClientError as e:
            # An endpoint that was switched off has other attributes than a new one: SNS names it and refuses.
            if known := _KNOWN.search(str(e)):
                return known[1]
            raise
        return str(reply["EndpointArn"])
