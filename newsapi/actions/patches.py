"""Changes to an article as they come in: merged into what is there, checked, cleaned (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError

from newsapi.actions import drafts
from newsapi.actions.drafts import KIND_OF, LISTS, Draft
from newsapi.errors import BadBody, Fault
from newsapi.schemas.articles import ArticleNew, Update
from newsapi.schemas.wire import faults, written
from newsapi.settings import Settings
from newsapi.store.states import State

NEEDED = ("slug", "headline", "body_html", "status", "language", "format")
"""Fields that cannot be taken away."""

NEW = ArticleNew()
UPDATE = Update()
FIELDS = frozenset(NEW.load_fields)


def loaded(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Read a body by its schema; raises BadBody that names every place."""
    try:
        found: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise BadBody(list(faults(error.messages))) from error
    return found


def some(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read some fields of an article, each whole: nothing is filled in for those that are not there."""
    return loaded(ArticleNew(only=tuple(values)), values) if values else {}


def new(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what the body of a new article says."""
    values = loaded(NEW, body)
    if values["status"] == "withdrawn":
        raise BadBody([Fault("/status", "must be one of draft, scheduled, published: what is new cannot be withdrawn")])
    rest: dict[str, Any] = {"id": None, "previous_slugs": [], "corrections": [], "picks": [], "bans": None}
    return values | rest | {"updated_at": None, "materially_updated_at": None}


def split(body: Mapping[str, Any], settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Answer how an update is to be taken (`update_type`, `correction`), and the patch, its body cleaned already.

    Cleaning takes a while, and others would wait for it.
    """
    update = loaded(UPDATE, {name: body[name] for name in UPDATE.load_fields if name in body})
    patch = {name: value for name, value in body.items() if name not in UPDATE.load_fields}
    if isinstance(patch.get("body_html"), str):
        some({"body_html": patch["body_html"]})
        patch["body_html"] = drafts.clean_body(patch["body_html"], settings)
    return update, patch


def patched(state: State, patch: Mapping[str, Any], settings: Settings) -> Draft:
    """Answer the draft that an article is with a patch merged into it; raises BadBody."""
    whole = document(state)
    asked = dict(patch)
    if "published_precision" in asked:
        asked.setdefault("published_at", whole["published_at"])
    unknown = [Fault(f"/{name}", "is not a field here") for name in asked if name not in FIELDS]
    gone = [Fault(f"/{name}", "cannot be taken away") for name in NEEDED if name in asked and asked[name] is None]
    if unknown or gone:
        raise BadBody(unknown + gone)
    asked_for = {name: merged(whole.get(name), value) for name, value in asked.items()}
    read = some({name: value for name, value in asked_for.items() if value is not None})
    for name, value in asked_for.items():
        if value is None:
            default = NEW.load_fields[name].load_default
            read[name] = default() if callable(default) else default
    return _changed(state, read, settings)


def unchanged(state: State) -> Draft:
    """Answer the draft that an article is as it stands."""
    names = state.names or {}
    values = {name: value for name, value in state.values.items() if name not in {"brand_id", "section_id"}}
    references = {name: list(names[name]) for name in LISTS}
    references |= {name: [names[name]] if names[name] else [] for name in ("brand", "section")}
    values |= {"updated_at": None, "materially_updated_at": None}
    return Draft(0, state.import_digest, state.id, values["slug"], values, references, ())


def document(state: State) -> dict[str, Any]:
    """Answer an article as the body of a request would say it."""
    values = {name: state.values[name] for name in FIELDS if name in state.values}
    found = {name: written(value) if isinstance(value, datetime) else value for name, value in values.items()}
    return found | dict(state.names or {})


def _changed(state: State, read: Mapping[str, Any], settings: Settings) -> Draft:
    draft = unchanged(state)
    terms = {name: read[name] for name in KIND_OF if name in read}
    references = {name: value if name in LISTS else [value] if value else [] for name, value in terms.items()}
    rest: dict[str, Any] = {name: value for name, value in read.items() if name not in KIND_OF}
    values = draft.values | drafts.cleaned(rest, settings)
    return replace(draft, slug=values["slug"], values=values, references=draft.references | references)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: an object is merged member by member, null takes away, anything else takes the place."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found
