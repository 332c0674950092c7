"""Request bodies for articles: merged into the stored article (RFC 7396), validated and cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.schemas.article_inputs import ArticleCreate, UpdateOptions
from newsapi.content.writes import drafts
from newsapi.content.writes.drafts import LISTS, TERM_KIND_OF_FIELD, ArticleDraft
from newsapi.errors import FieldError, InvalidBody
from newsapi.settings import Settings
from newsapi.text.html import SanitizedHtml
from newsapi.text.json_types import JsonObject, JsonValue
from newsapi.web.wire import format_instant, load_body

REQUIRED_FIELDS = ("slug", "headline", "body_html", "status", "language", "format")
"""Fields that a patch may not set to null."""

NEW = ArticleCreate()
UPDATE = UpdateOptions()
FIELDS = frozenset(NEW.load_fields)


def load_partial(values: Mapping[str, JsonValue]) -> JsonObject:
    """Return the given fields of an article, loaded by the schema; missing fields get no defaults."""
    return load_body(ArticleCreate(only=tuple(values)), values) if values else {}


def load_new(body: Mapping[str, JsonValue]) -> JsonObject:
    """Return all fields of a new article from a request body; raise InvalidBody."""
    values = load_body(NEW, body)
    if values["status"] == "withdrawn":
        raise InvalidBody(
            [FieldError("/status", "must be draft, scheduled or published: a new article cannot be withdrawn")]
        )
    values |= {"id": None, "previous_slugs": [], "corrections": [], "picks": [], "bans": None}
    return values | {"updated_at": None, "materially_updated_at": None}


@dataclass(frozen=True, slots=True)
class ArticleUpdate:
    """The body of an update.

    Attributes:
        options: How the update is treated: `update_type` and `correction`.
        patch: The merge patch, with a sanitized body.
        body: The result of sanitizing the body; None if the patch has none.
    """

    options: Mapping[str, object]
    patch: Mapping[str, object]
    body: SanitizedHtml | None


def split_update(body: Mapping[str, JsonValue], settings: Settings) -> ArticleUpdate:
    """Split the body of an update; raise InvalidBody.

    The body HTML of the patch is sanitized here, before the write lock is acquired, because that takes a while.

    Args:
        body: The request body.
        settings: The settings for sanitizing HTML.

    Returns:
        The options of the update, and the patch.
    """
    options = load_body(UPDATE, {name: body[name] for name in UPDATE.load_fields if name in body})
    patch = {name: value for name, value in body.items() if name not in UPDATE.load_fields}
    sanitized = None
    if isinstance(patch.get("body_html"), str):
        load_partial({"body_html": patch["body_html"]})
        sanitized = drafts.clean_body(patch["body_html"], settings)
        patch["body_html"] = sanitized.html
    return ArticleUpdate(options, patch, sanitized)


def apply_patch(snapshot: ArticleSnapshot, update: ArticleUpdate, settings: Settings) -> ArticleDraft:
    """Return the draft of an article with a patch merged into it.

    Args:
        snapshot: The stored article.
        update: The update with its merge patch (RFC 7396).
        settings: The settings for cleaning values.

    Returns:
        The draft.

    Raises:
        InvalidBody: A field is unknown, has an invalid value, or is required and null.
    """
    stored = request_document(snapshot)
    changes = dict(update.patch)
    if "published_precision" in changes:
        changes.setdefault("published_at", stored["published_at"])
    unknown = [FieldError(f"/{name}", "is not a field here") for name in changes if name not in FIELDS]
    removed = [
        FieldError(f"/{name}", "cannot be null")
        for name in REQUIRED_FIELDS
        if name in changes and changes[name] is None
    ]
    if unknown or removed:
        raise InvalidBody(unknown + removed)
    new_values = {name: merge_patch(stored.get(name), value) for name, value in changes.items()}
    values = load_partial({name: value for name, value in new_values.items() if value is not None})
    for name, value in new_values.items():
        if value is None:
            default = NEW.load_fields[name].load_default
            values[name] = default() if callable(default) else default
    draft = _changed(snapshot, values, settings)
    if update.body is None:
        return draft
    draft.values["media"] = drafts.add_media(draft.values["media"], update.body.media)
    return replace(draft, removals=update.body.removals)


def draft_of(snapshot: ArticleSnapshot) -> ArticleDraft:
    """Return the draft that leaves an article as it is."""
    names = snapshot.names or {}
    values = {name: value for name, value in snapshot.values.items() if name not in {"brand_id", "section_id"}}
    references = {field: list(names[field]) for field in LISTS}
    references |= {field: [names[field]] if names[field] else [] for field in ("brand", "section")}
    values |= {"updated_at": None, "materially_updated_at": None}
    slug = values["slug"]
    return ArticleDraft(
        0, snapshot.import_digest, snapshot.id, slug, values, references, (), source_id=snapshot.source_id
    )


def request_document(snapshot: ArticleSnapshot) -> JsonObject:
    """Return an article in the form of a request body."""
    fields = {name: snapshot.values[name] for name in FIELDS if name in snapshot.values}
    body = {name: format_instant(value) if isinstance(value, datetime) else value for name, value in fields.items()}
    return body | dict(snapshot.names or {})


def _changed(snapshot: ArticleSnapshot, new_values: Mapping[str, JsonValue], settings: Settings) -> ArticleDraft:
    draft = draft_of(snapshot)
    references = dict(draft.references)
    columns: JsonObject = {}
    for name, value in new_values.items():
        if name in LISTS:
            references[name] = value
        elif name in TERM_KIND_OF_FIELD:
            references[name] = [value] if value else []
        else:
            columns[name] = value
    values = draft.values | drafts.complete_values(columns, settings)
    return replace(draft, slug=values["slug"], values=values, references=references)


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """Return the target with a merge patch applied (RFC 7396, section 2)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result
