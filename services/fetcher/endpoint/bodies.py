"""The JSON of a request, checked."""

from typing import TypeVar

from pydantic import ValidationError

from services.fetcher.endpoint import refusals
from services.settings.declaring import Strict

Form = TypeVar("Form", bound=Strict)


def checked(form: type[Form], body: bytes) -> Form:
    """Return what the JSON says; ``BadRequest`` names the first field that is wrong, never its value."""
    try:
        return form.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])[:100]
        raise refusals.BadRequest(f"{field or 'the body'}: {first['msg']}"[:300]) from None
