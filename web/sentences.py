"""The sentences of errors that several modules need: those that raise the errors, and the OpenAPI schema."""

BAD_REQUEST = "The request cannot be understood."
INVALID_KEY = "The API key is not valid."
NO_KEY = "The request has no API key. Send it in the header X-API-Key."
ORIGIN_NOT_ALLOWED = "This API key may not be used from {origin}. Staff can add this origin to the key."
PUBLISHABLE_KEY_HERE = "A publishable key works only on the pages of its site. Use a secret key here."
NO_ORIGIN = (
    "The request has no Origin header, which this API key needs. Add -H 'Origin: {origin}', or use a secret key."
)
SECRET_KEY_REQUIRED = "This requires a secret key."  # noqa: S105 (a sentence)
SUSPENDED = "This learner or address is suspended and cannot run programs right now."
REQUEST_IN_PROGRESS = "The first request with this Idempotency-Key is still being processed. Try again in a moment."
IDEMPOTENCY_KEY_REUSED = "This Idempotency-Key was sent with another request. Use a new key for each request."
NOTHING_HERE = "There is nothing at this address."
LENGTH_REQUIRED = "Send the request with a Content-Length header, not chunked."
URI_TOO_LONG = "The address is too long."
HEADERS_TOO_LARGE = "The header fields are too many or too long."
NOT_JSON = "Send the request as application/json."
SERVER_ERROR = "Something went wrong on our side."
