"""Every refusal of the endpoint is counted under a code of the catalogue, and says by its status what it is."""

from services.fetcher.endpoint.refusals import Refusal
from services.runtime.metrics import ROUTED_OUTCOMES


def kinds(of: type[Refusal]) -> list[type[Refusal]]:
    return [of, *(kind for below in of.__subclasses__() for kind in kinds(below))]


def test_the_catalogue_of_metrics_has_every_code_and_no_other():
    assert {kind.code for kind in kinds(Refusal)} | {"taken", "known"} == set(ROUTED_OUTCOMES)


def test_what_passes_by_itself_says_when_to_come_again():
    for kind in kinds(Refusal):
        assert (kind.status in (408, 409, 429, 503)) <= (kind.again is not None), kind
