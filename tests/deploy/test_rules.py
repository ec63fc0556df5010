"""Alert rules and the dashboard: what they ask for exists, can be read, and has a runbook."""

import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml

from deploy.grafana import generate

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
_SERIES = re.compile(r"\bmailweave_[a-z_]+")
_VARIABLES = {"$__rate_interval": "5m"}


def readable(expression: str) -> None:
    for variable, value in _VARIABLES.items():
        expression = expression.replace(variable, value)
    promql_parser.parse(expression)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_can_be_read_and_names_series_that_exist(rule):
    readable(rule["expr"])
    assert set(_SERIES.findall(rule["expr"])) <= generate.names()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["for"]
    assert rule["annotations"]["summary"]
    runbook = (DEPLOY.parent / rule["annotations"]["runbook"]).read_text()
    assert runbook.startswith(f"# {rule['alert']}\n")
    assert "## Look" in runbook
    assert "## Do" in runbook


def test_every_runbook_belongs_to_an_alert():
    assert {path.stem for path in (DEPLOY / "runbooks").glob("*.md")} == {rule["alert"] for rule in ALERTS}


def test_an_expression_that_makes_no_sense_would_be_seen():
    with pytest.raises(ValueError, match=r"."):
        readable("sum by (")


def test_the_dashboard_is_what_the_catalogue_gives():
    """`make dashboard` writes it."""
    assert generate.TARGET.read_text() == generate.text()


def test_every_panel_asks_a_question_and_says_what_good_looks_like():
    panels = json.loads(generate.text())["panels"]
    for panel in panels:
        assert panel["title"].endswith("?")
        assert panel["description"]
        for target in panel["targets"]:
            readable(target["expr"])
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_a_panel_for_a_metric_that_does_not_exist_cannot_be_built(monkeypatch):
    monkeypatch.setattr(generate, "PANELS", (("Why?", "So.", "short", (("mailweave_no_such", ""),)),))
    with pytest.raises(ValueError, match="mailweave_no_such"):
        generate.dashboard()
