"""Every route says who may call it, and nothing is said of a route that there is not."""

import re
from pathlib import Path

from newsapi.app import create_app
from newsapi.cli.keys import create_key
from newsapi.demo import mail_views, picture_views
from newsapi.settings import Settings
from newsapi.web.authorization import ALWAYS_PUBLIC, ANY_KEY, PUBLIC, RULES
from newsapi.web.scopes import SCOPE_NAMES as SCOPES


def test_every_route_and_method_has_its_rule():
    app = create_app(Settings.from_env({}))
    app.register_blueprint(picture_views.blueprint(Path()))
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


def test_every_scope_is_explained():
    table = Path("docs/guides/editing.md").read_text(encoding="utf-8").partition("| scope |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE) == [*SCOPES]


def test_the_contract_names_every_scope():
    keys = Path("docs/reference/contract.md").read_text(encoding="utf-8").partition("A key has scopes")[2]
    assert tuple(re.findall("`(.*?)`", keys.partition(")")[0])) == SCOPES


def test_a_key_can_be_created_with_every_scope():
    (option,) = (param for param in create_key.params if param.name == "scopes")
    assert tuple(option.type.choices) == SCOPES
