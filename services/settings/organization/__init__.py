"""The settings of the organisation: one class, its keys by the sections of the settings page."""

from services.settings.organization.alerting import Alerting
from services.settings.organization.content import Content
from services.settings.organization.filtering import Filtering
from services.settings.organization.processing import Processing
from services.settings.organization.resolution import Resolution
from services.settings.organization.smart_matching import SmartMatching
from services.settings.organization.tokens import Tokens
from services.settings.organization.tracking import Tracking


class Organization(Alerting, Content, Resolution, Filtering, SmartMatching, Tokens, Tracking, Processing):
    """
    Every key has a default, so an organisation that sets none has working settings.

    The keys have the order of the page, from processing to alerts: pydantic takes those of the last class first.
    """
