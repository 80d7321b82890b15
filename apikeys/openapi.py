"""What OpenAPI tells of learner tokens."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from apikeys.serializers import TokenRequestSerializer
from web.error_schema import FOR_BODIES, FOR_KEYS, errors, headers


class TokenSerializer(serializers.Serializer[Any]):
    """The answer to `POST /tokens`."""

    token = serializers.CharField(help_text="What the learner's page sends in `X-API-Key`.")
    learner = serializers.CharField(help_text="Whom it is for.")
    expires = serializers.DateTimeField(help_text="When it ends.")


EXAMPLE = {"token": "pl_learner_WzEsImFkYSIs…", "learner": "ada", "expires": "2027-01-31T12:00:00Z"}

describe_minting = extend_schema(
    operation_id="createToken",
    tags=["Tokens"],
    summary="Make a token for one learner",
    description="For a server with a secret key. With the token a page need not hold a key. It works from the origins"
    " of the key, counts against its limits and ends with it.",
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
    """The header that every caller sends."""

    target_class = "apikeys.authentication.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "A publishable key or a learner token, which work only with the `Origin` of one of their"
            " pages (a browser sends it), or a secret key, which belongs on a server and needs none.",
        }
