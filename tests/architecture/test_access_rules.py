"""Every route says who may call it, and nothing is said of a route that there is not."""

from pathlib import Path

from newsapi.app import create_app
from newsapi.demo import mail_views, picture_views
from newsapi.keys.commands import SCOPES
from newsapi.settings import Settings
from newsapi.web.authorization import ALWAYS_PUBLIC, ANY_KEY, PUBLIC, RULES


def test_every_route_and_method_has_its_rule():
    app = create_app(Settings.from_env({}))
    app.register_blueprint(picture_views.blueprint())
    app.register_blueprint(mail_views.blueprint(Path("nowhere")))
    there = {
        f"{method} {rule.rule}" for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert there == set(RULES)


def test_a_rule_is_a_scope_that_there_is_or_one_of_three_words():
    assert set(RULES.values()) <= {*SCOPES, PUBLIC, ALWAYS_PUBLIC, ANY_KEY}


def test_nobody_writes_without_a_scope_but_his_own_subscriptions():
    open_ = {rule for rule, scope in RULES.items() if not rule.startswith("GET ") and scope not in SCOPES}
    assert {rule.split("/subscriptions")[0] for rule in open_} == {
        *(f"POST /v1/{terms}/<slug>" for terms in ("brands", "sections", "authors")),
        *("POST /v1", "POST "),
    }
