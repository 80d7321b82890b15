"""What `POST /tokens` takes and returns, and how OpenAPI describes it and the API key."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from apikeys import tokens
from apikeys.models import LEARNER_CHARACTERS
from web.fields import IntegerField, StrictSerializer, StringField
from web.openapi import FOR_BODIES, FOR_KEYS, errors, headers


class TokenRequestSerializer(StrictSerializer):
    """The body of a request for a token."""

    learner = StringField(max_length=LEARNER_CHARACTERS, allow_blank=False, help_text="Your ID for the learner.")
    lifetime_seconds = IntegerField(
        min_value=tokens.SHORTEST_LIFETIME_SECONDS,
        max_value=tokens.LONGEST_LIFETIME_SECONDS,
        required=False,
        allow_null=True,
        help_text=f"For how many seconds the token works. Default: {tokens.DEFAULT_LIFETIME_SECONDS}.",
    )


class TokenSerializer(serializers.Serializer[Any]):
    """A token."""

    token = serializers.CharField(help_text="What the learner's page sends in `X-API-Key`.")
    learner = serializers.CharField(help_text="The learner that the token is for.")
    expires = serializers.DateTimeField(help_text="When the token expires.")


EXAMPLE = {"token": "pl_learner_WzEsImFkYSIs…", "learner": "ada", "expires": "2027-01-31T12:00:00Z"}

describe_minting = extend_schema(
    operation_id="createToken",
    tags=["Tokens"],
    summary="Create a token for one learner",
    description="For a server with a secret key. A page that has the token needs no key. The token works on pages of"
    " the key's origins. Its requests count against the key's limits, and it stops working when the key does.",
    parameters=headers(limited=True),
    request=TokenRequestSerializer,
    examples=[
        OpenApiExample("For a quarter of an hour", {"learner": "ada", "lifetime_seconds": 900}, request_only=True)
    ],
    responses={
        201: OpenApiResponse(TokenSerializer, "The token.", [OpenApiExample("A token", EXAMPLE)]),
        **errors(*FOR_KEYS, *FOR_BODIES, "secret_key_required"),
    },
)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """The `X-API-Key` header."""

    target_class = "apikeys.authentication.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "A publishable key works only with one of its origins in `Origin`, as a browser sends it."
            " A secret key, which belongs on a server, and its learner tokens need no `Origin`; if you send one, it"
            " must be among the key's. To try requests on the page `/docs/`, use a secret key: a publishable key does"
            " not work there.",
        }
