"""Every operation by every kind of caller: who may not is told so, and nothing is changed by asking."""

from datetime import timedelta

import pytest

from newsapi.keys import commands as key_commands
from newsapi.keys.commands import KeyLimits
from newsapi.web.authorization import ALWAYS_PUBLIC, ANY_KEY, PUBLIC, RULES
from newsapi.web.scopes import SCOPE_NAMES as SCOPES
from tests.support.client import Editor
from tests.support.invariants import dump

pytestmark = pytest.mark.one_database

PLACES = {
    "<slug_or_id>": "velar",
    "<slug>": "land-rover",
    "<int:number>": "1",
    "<uuid:delivery_id>": "01890a5d-ac96-774b-bcce-b302099a8057",
    "<uuid:link_id>": "01890a5d-ac96-774b-bcce-b302099a8057",
    "<uuid:id>": "01890a5d-ac96-774b-bcce-b302099a8057",
    "<uuid:article_id>": "01890a5d-ac96-774b-bcce-b302099a8057",
    "<name>": "gone",
    "<page>": "1",
}
BODIES = {
    "POST /v1/articles": {"headline": "x"},
    "PATCH /v1/articles/<slug_or_id>": {"headline": "y"},
    "PUT /v1/articles/<slug_or_id>/picks": {"slugs": []},
}
CALLERS = ("nobody", "unknown", "revoked", "expired", *SCOPES)


@pytest.fixture
def callers(app, database, hire, clock):
    made = {scope: hire(scope) for scope in SCOPES}
    revoked, expired = hire("admin"), hire("admin", limits=KeyLimits(expires_at=clock() - timedelta(seconds=1)))
    key_commands.revoke(database, revoked.prefix, now=clock())
    unknown = Editor(app, "key_abcdefghij_" + "a" * 43)
    return {"nobody": Editor(app, None), "unknown": unknown, "revoked": revoked, "expired": expired, **made}


def expected(rule, caller):
    """The refusal that the contract wants; None where the caller may."""
    scope = RULES[rule]
    if scope == ALWAYS_PUBLIC:
        return None
    if caller in {"unknown", "revoked", "expired"}:
        return 401
    if caller == "nobody":
        return None if scope == PUBLIC else 401
    return None if scope in {PUBLIC, ANY_KEY, caller} or caller == "admin" else 403


@pytest.mark.parametrize("rule", [rule for rule in RULES if "demo" not in rule])
def test_who_may_may_and_who_may_not_changes_nothing(rule, callers, database, make):
    make.article("velar", brand="land-rover", authors=["land-rover"], section="land-rover", tags=["land-rover"])
    method, path = rule.split()
    for place, value in PLACES.items():
        path = path.replace(place, value)
    before = dump(database)
    for name, caller in callers.items():
        body = BODIES.get(rule, {}) if method in {"POST", "PUT", "PATCH"} else None
        answer = caller.send(method, path, body)
        wanted = expected(rule, name)
        if wanted is not None:
            assert answer.status_code == wanted, (name, answer.text)
            assert answer.content_type == "application/problem+json"
            assert dump(database) == before, name
        else:
            assert answer.status_code not in {401, 500}, (name, answer.text)
            if answer.status_code == 403:  # a decision to publish, beside the scope of the route
                assert answer.json["scope"] == "content:publish"
            before = dump(database)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT"])
def test_where_there_is_no_route_a_key_opens_none(callers, method):
    answers = [caller.send(method, "/v1/nothing", None).status_code for caller in callers.values()]
    assert set(answers) <= {404}
