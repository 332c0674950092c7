"""Create all tables, the head of the changelog and the facets that always exist."""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from newsapi.db.types import BytewiseText, Id, Json, UtcDateTime

revision = "0001"
down_revision = None

_TABLES = """
    delivery
    webhook
    recall_receipt
    key_daily_usage
    filter_exit
    facet_digest
    preview_link
    term_merge
    idempotency_record
    audit_entry
    api_key
    revision
    image_file
    article_image
    article_tag
    article_mention
    article_content
    article_author
    article
    slug_redirect
    listing_entry
    tag
    section
    brand
    author
    facet
    alert_delivery
    subscription
    suppression
    subscription_request
    subscriber
    consent_text
    confirmation_send
    related_term_statistics
    related_profile
    related_posting
    related_list_member
    related_list
    import_chunk
    import_job
    secret
    failed_change
    consumer_offset
    changelog_head
    change
"""


def upgrade() -> None:
    """Create the tables and their first rows."""
    _create_changelog_tables()
    _create_imports_tables()
    _create_related_tables()
    _create_subscriptions_tables()
    _create_terms_tables()
    _create_articles_tables()
    _create_keys_tables()
    _create_sync_tables()
    _create_webhooks_tables()
    _insert_first_rows()


def downgrade() -> None:
    """Drop all tables with their content."""
    for table in _TABLES.split():
        op.drop_table(table)


def _insert_first_rows() -> None:
    head = sa.table("changelog_head", *map(sa.column, ("id", "seq", "nonce")), sa.column("committed_at", UtcDateTime))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "nonce": secrets.randbits(63), "committed_at": datetime.now(UTC)}])
    secret = sa.table("secret", sa.column("name"), sa.column("value"))
    op.bulk_insert(secret, [{"name": "cursor", "value": secrets.token_hex(32)}])
    fixed = [("all", ""), *(("terms", kind) for kind in ("author", "brand", "section", "tag"))]
    facet = sa.table("facet", *map(sa.column, ("kind", "name", "article_count", "seq")))
    op.bulk_insert(facet, [{"kind": kind, "name": name, "article_count": 0, "seq": 0} for kind, name in fixed])


def _create_changelog_tables() -> None:
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("committed_at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("slug", BytewiseText, nullable=False),
        sa.Column("previous_slug", BytewiseText),
        sa.Column("additional_slugs", Json),
        sa.Column("version", sa.Integer),
        sa.Column("facets_before", Json, nullable=False),
        sa.Column("facets_after", Json, nullable=False),
        sa.Column("article_ids", Json),
        sa.Column("is_bulk", sa.Boolean, nullable=False),
        sa.Column("traceparent", sa.Text),
    )
    op.create_index(
        "ix_change_of_term",
        "change",
        ["subject_id", "seq"],
        sqlite_where=sa.text("kind IN ('author', 'brand', 'section', 'tag')"),
        postgresql_where=sa.text("kind IN ('author', 'brand', 'section', 'tag')"),
    )
    op.create_index(
        "ix_change_of_terms",
        "change",
        ["seq"],
        sqlite_where=sa.text("kind IN ('author', 'brand', 'section', 'tag')"),
        postgresql_where=sa.text("kind IN ('author', 'brand', 'section', 'tag')"),
    )
    op.create_table(
        "changelog_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("committed_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "consumer_offset",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("lease_holder", sa.Text),
        sa.Column("lease_expires_at", UtcDateTime),
        sa.Column("failing_since", UtcDateTime),
        sa.Column("last_error", sa.Text),
    )
    op.create_table(
        "failed_change",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("failed_at", UtcDateTime, nullable=False),
        sa.Column("next_try_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _create_imports_tables() -> None:
    op.create_table(
        "import_job",
        sa.Column("id", Id, primary_key=True),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("mapping", Json),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("created", sa.Integer, nullable=False),
        sa.Column("updated", sa.Integer, nullable=False),
        sa.Column("unchanged", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("errors", Json, nullable=False),
        sa.Column("report", Json, nullable=False),
        sa.Column("overwrite", sa.Boolean, nullable=False),
        sa.Column("lease_holder", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "import_chunk",
        sa.Column("import_id", Id, sa.ForeignKey("import_job.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def _create_related_tables() -> None:
    op.create_table(
        "related_list",
        sa.Column("article_id", Id, primary_key=True),
        sa.Column("pool", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("built_at", UtcDateTime),
        sa.Column("min_similarity", sa.Double, nullable=False),
        sa.Column("max_items", sa.Integer, nullable=False),
        sa.Column("entries", Json, nullable=False),
    )
    op.create_index("ix_related_list_pool", "related_list", ["pool"])
    op.create_table(
        "related_list_member",
        sa.Column("listed_article_id", Id, primary_key=True),
        sa.Column("article_id", Id, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "related_posting",
        sa.Column("pool", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("term", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("impact", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("doc_id", sa.Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "related_profile",
        sa.Column("doc_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("article_id", Id, nullable=False, unique=True),
        sa.Column("pool", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "related_term_statistics",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("counted_at", UtcDateTime, nullable=False),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("corpus_size", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def _create_subscriptions_tables() -> None:
    op.create_table(
        "confirmation_send",
        sa.Column("id", Id, primary_key=True),
        sa.Column("mailbox_hash", sa.LargeBinary, nullable=False),
        sa.Column("sent_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_confirmation_send_mailbox_hash", "confirmation_send", ["mailbox_hash"])
    op.create_table(
        "consent_text",
        sa.Column("version", BytewiseText, primary_key=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("first_used_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", Id, primary_key=True),
        sa.Column("email_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("mailbox_hash", sa.LargeBinary, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("language", BytewiseText, nullable=False),
        sa.Column("time_zone", BytewiseText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "subscription_request",
        sa.Column("id", Id, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_hash", sa.LargeBinary, nullable=False),
        sa.Column("mailbox_hash", sa.LargeBinary, nullable=False),
        sa.Column("facet_id", sa.Integer, nullable=False),
        sa.Column("frequency", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("consent_version", sa.Text, nullable=False),
        sa.Column("source_url", sa.Text),
        sa.Column("requested_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_subscription_request_email_hash", "subscription_request", ["email_hash"])
    op.create_table(
        "suppression",
        sa.Column("email_hash", sa.LargeBinary, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("suppressed_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "subscription",
        sa.Column("id", Id, primary_key=True),
        sa.Column("subscriber_id", Id, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
        sa.Column("facet_id", sa.Integer, nullable=False),
        sa.Column("frequency", BytewiseText, nullable=False),
        sa.Column("state", BytewiseText, nullable=False),
        sa.Column("consent_version", sa.Text, nullable=False),
        sa.Column("source_url", sa.Text),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("confirmed_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("notice_due_at", UtcDateTime),
    )
    op.create_index("ix_subscription_ended_at", "subscription", ["ended_at"])
    op.create_index(
        "ix_subscription_live",
        "subscription",
        ["subscriber_id", "facet_id"],
        sqlite_where=sa.text("state <> 'ended'"),
        postgresql_where=sa.text("state <> 'ended'"),
        unique=True,
    )
    op.create_index(
        "ix_subscription_notice_due",
        "subscription",
        ["notice_due_at"],
        sqlite_where=sa.text("notice_due_at IS NOT NULL"),
        postgresql_where=sa.text("notice_due_at IS NOT NULL"),
    )
    op.create_index("ix_subscription_of_facet", "subscription", ["facet_id", "state", "frequency", "id"])
    op.create_index("ix_subscription_of_subscriber", "subscription", ["subscriber_id"])
    op.create_index(
        "ix_subscription_pending",
        "subscription",
        ["requested_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "alert_delivery",
        sa.Column("subscriber_id", Id, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("subscription_id", Id, sa.ForeignKey("subscription.id", ondelete="CASCADE"), nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("ready_at", UtcDateTime, nullable=False),
        sa.Column("state", BytewiseText, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", UtcDateTime),
    )
    op.create_index("ix_alert_delivery_due", "alert_delivery", ["due_at"])
    op.create_index("ix_alert_delivery_of_subscription", "alert_delivery", ["subscription_id"])
    op.create_index(
        "ix_alert_delivery_ready",
        "alert_delivery",
        ["ready_at", "subscriber_id"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )


def _create_terms_tables() -> None:
    op.create_table(
        "facet",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", BytewiseText),
        sa.Column("article_count", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", UtcDateTime),
        sa.UniqueConstraint("kind", "name"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "author",
        sa.Column("email", sa.Text),
        sa.Column("job_title", sa.Text),
        sa.Column("same_as", Json, nullable=False),
        sa.Column("bio", sa.Text),
        sa.Column("avatar", Json),
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", BytewiseText, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sort_key", BytewiseText, nullable=False),
        sa.Column("search_names", BytewiseText, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("import_digest", sa.LargeBinary),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("facet_id", sa.Integer, sa.ForeignKey("facet.id"), nullable=False),
    )
    op.create_index("ix_author_sort_key_slug", "author", ["sort_key", "slug"])
    op.create_table(
        "brand",
        sa.Column("parent_id", Id, sa.ForeignKey("brand.id")),
        sa.Column("aliases", Json, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("logo", Json),
        sa.Column("mention_facet_id", sa.Integer, sa.ForeignKey("facet.id"), nullable=False),
        sa.Column("group_facet_id", sa.Integer, sa.ForeignKey("facet.id")),
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", BytewiseText, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sort_key", BytewiseText, nullable=False),
        sa.Column("search_names", BytewiseText, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("import_digest", sa.LargeBinary),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("facet_id", sa.Integer, sa.ForeignKey("facet.id"), nullable=False),
    )
    op.create_index("ix_brand_parent_id", "brand", ["parent_id"])
    op.create_index("ix_brand_sort_key_slug", "brand", ["sort_key", "slug"])
    op.create_table(
        "section",
        sa.Column("position", sa.Integer),
        sa.Column("description", sa.Text),
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", BytewiseText, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sort_key", BytewiseText, nullable=False),
        sa.Column("search_names", BytewiseText, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("import_digest", sa.LargeBinary),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("facet_id", sa.Integer, sa.ForeignKey("facet.id"), nullable=False),
    )
    op.create_index("ix_section_sort_key_slug", "section", ["sort_key", "slug"])
    op.create_table(
        "tag",
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", BytewiseText, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sort_key", BytewiseText, nullable=False),
        sa.Column("search_names", BytewiseText, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("import_digest", sa.LargeBinary),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("facet_id", sa.Integer, sa.ForeignKey("facet.id"), nullable=False),
    )
    op.create_index("ix_tag_sort_key_slug", "tag", ["sort_key", "slug"])


def _create_articles_tables() -> None:
    op.create_table(
        "listing_entry",
        sa.Column("facet_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("published_at", UtcDateTime, primary_key=True),
        sa.Column("article_id", Id, primary_key=True),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("materially_updated_at", UtcDateTime, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_listing_entry_materially_updated", "listing_entry", ["facet_id", "materially_updated_at", "article_id"]
    )
    op.create_index("ix_listing_entry_updated", "listing_entry", ["facet_id", "updated_at", "article_id"])
    op.create_table(
        "slug_redirect",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("slug", BytewiseText, primary_key=True),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_slug_redirect_subject_id", "slug_redirect", ["subject_id"])
    op.create_table(
        "article",
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", BytewiseText, nullable=False, unique=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger),
        sa.Column("changed_at", UtcDateTime),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("standfirst", sa.Text),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("brand_id", Id, sa.ForeignKey("brand.id")),
        sa.Column("section_id", Id, sa.ForeignKey("section.id")),
        sa.Column("image", Json),
        sa.Column("word_count", sa.Integer, nullable=False),
        sa.Column("published_at", UtcDateTime),
        sa.Column("published_precision", sa.Text, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("materially_updated_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("withdrawal", Json),
        sa.Column("import_digest", sa.LargeBinary),
        sa.Column("local_changes", Json),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("publication_number", sa.Integer),
        sa.Column("digest_bucket", sa.Integer),
        sa.CheckConstraint("status <> 'published' OR published_at IS NOT NULL", name="published_at"),
        sa.CheckConstraint("published_precision IN ('second', 'day')", name="published_precision"),
        sa.CheckConstraint("status IN ('draft', 'scheduled', 'published', 'withdrawn')", name="status"),
    )
    op.create_index("ix_article_digest_bucket", "article", ["digest_bucket"])
    op.create_index(
        "ix_article_due",
        "article",
        ["published_at"],
        sqlite_where=sa.text("status = 'scheduled'"),
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_index(
        "ix_article_expiring",
        "article",
        ["expires_at"],
        sqlite_where=sa.text("status = 'published' AND expires_at IS NOT NULL"),
        postgresql_where=sa.text("status = 'published' AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_article_hidden",
        "article",
        ["status", "updated_at", "id"],
        sqlite_where=sa.text("status <> 'published'"),
        postgresql_where=sa.text("status <> 'published'"),
    )
    op.create_index("ix_article_import_digest", "article", ["import_digest"])
    op.create_index("ix_article_publication_number", "article", ["publication_number"], unique=True)
    op.create_index("ix_article_seq", "article", ["seq"])
    op.create_table(
        "article_author",
        sa.Column("author_id", Id, sa.ForeignKey("author.id"), nullable=False),
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.UniqueConstraint("article_id", "author_id"),
    )
    op.create_table(
        "article_content",
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("canonical_url", sa.Text),
        sa.Column("source", Json),
        sa.Column("media", Json, nullable=False),
        sa.Column("corrections", Json, nullable=False),
        sa.Column("rights", Json),
        sa.Column("seo", Json),
        sa.Column("picks", Json, nullable=False),
        sa.Column("bans", Json),
        sa.Column("translation_group", BytewiseText),
        sa.Column("source_id", BytewiseText),
        sa.Column("body_html", sa.Text, nullable=False),
    )
    op.create_index(
        "ix_article_content_source_id",
        "article_content",
        ["source_id"],
        unique=True,
        sqlite_where=sa.text("source_id IS NOT NULL"),
        postgresql_where=sa.text("source_id IS NOT NULL"),
    )
    op.create_table(
        "article_mention",
        sa.Column("brand_id", Id, sa.ForeignKey("brand.id"), nullable=False),
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.UniqueConstraint("article_id", "brand_id"),
    )
    op.create_table(
        "article_tag",
        sa.Column("tag_id", Id, sa.ForeignKey("tag.id"), nullable=False),
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.UniqueConstraint("article_id", "tag_id"),
    )
    op.create_table(
        "article_image",
        sa.Column("article_id", Id, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("file_id", Id, nullable=False),
        sa.Column("is_broken", sa.Boolean, nullable=False),
        sa.Column("lacks_alt", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_article_image_file_id", "article_image", ["file_id"])
    op.create_index(
        "ix_article_image_broken",
        "article_image",
        ["article_id", "position"],
        sqlite_where=sa.text("is_broken"),
        postgresql_where=sa.text("is_broken"),
    )
    op.create_index(
        "ix_article_image_lacks_alt",
        "article_image",
        ["article_id", "position"],
        sqlite_where=sa.text("lacks_alt"),
        postgresql_where=sa.text("lacks_alt"),
    )
    op.create_table(
        "image_file",
        sa.Column("id", Id, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", BytewiseText, nullable=False),
        sa.Column("check_at", UtcDateTime),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("measured_at", UtcDateTime),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("type", sa.Text),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("thumbhash", sa.Text),
        sa.Column("color", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_image_file_due",
        "image_file",
        ["host", "check_at"],
        sqlite_where=sa.text("check_at IS NOT NULL"),
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_table(
        "revision",
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("replaced_at", UtcDateTime, nullable=False),
        sa.Column("replaced_by", sa.Text, nullable=False),
        sa.Column("content", Json, nullable=False),
    )


def _create_keys_tables() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", Id, primary_key=True),
        sa.Column("prefix", BytewiseText, nullable=False, unique=True),
        sa.Column("secret_digest", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("rate_per_minute", sa.Integer),
        sa.Column("brands", Json),
        sa.Column("sections", Json),
        sa.Column("body_access", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", Id, primary_key=True),
        sa.Column("occurred_at", UtcDateTime, nullable=False),
        sa.Column("actor", BytewiseText, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("slug", sa.Text),
        sa.Column("version", sa.Integer),
        sa.Column("seq", sa.BigInteger),
    )
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor", "id"])
    op.create_index("ix_audit_entry_subject_id_id", "audit_entry", ["subject_id", "id"])
    op.create_table(
        "idempotency_record",
        sa.Column("caller", BytewiseText, primary_key=True),
        sa.Column("idempotency_key", BytewiseText, primary_key=True),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("lease_holder", sa.Text, nullable=False),
        sa.Column("lease_expires_at", UtcDateTime, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", Json),
        sa.Column("body", sa.Text),
    )
    op.create_index("ix_idempotency_record_created_at", "idempotency_record", ["created_at"])
    op.create_table(
        "term_merge",
        sa.Column("id", Id, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("target_id", Id, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("moved_count", sa.Integer, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "preview_link",
        sa.Column("id", Id, primary_key=True),
        sa.Column("token_digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), nullable=False),
        sa.Column("as_of", UtcDateTime),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_index("ix_preview_link_article_id", "preview_link", ["article_id"])


def _create_sync_tables() -> None:
    op.create_table(
        "facet_digest",
        sa.Column("facet_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bucket_sums", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "filter_exit",
        sa.Column("article_id", Id, primary_key=True),
        sa.Column("facet_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_filter_exit_facet_id_seq", "filter_exit", ["facet_id", "seq"])
    op.create_table(
        "key_daily_usage",
        sa.Column("key_id", Id, sa.ForeignKey("api_key.id"), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("request_count", sa.Integer, nullable=False),
    )
    op.create_table(
        "recall_receipt",
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key_id", Id, sa.ForeignKey("api_key.id"), primary_key=True),
        sa.Column("acknowledged_at", UtcDateTime, nullable=False),
    )


def _create_webhooks_tables() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", Id, primary_key=True),
        sa.Column("owner", BytewiseText, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.Column("brands", Json),
        sa.Column("sections", Json),
        sa.Column("include_imports", sa.Boolean, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("previous_secret", sa.Text),
        sa.Column("previous_secret_expires_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("failing_since", UtcDateTime),
        sa.Column("paused_at", UtcDateTime),
    )
    op.create_index("ix_webhook_owner", "webhook", ["owner"])
    op.create_table(
        "delivery",
        sa.Column("id", Id, primary_key=True),
        sa.Column("webhook_id", Id, sa.ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seq", sa.BigInteger),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("is_bulk", sa.Boolean, nullable=False),
        sa.Column("state", BytewiseText, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_attempt_at", UtcDateTime),
        sa.Column("finished_at", UtcDateTime),
        sa.Column("last_status_code", sa.Integer),
        sa.Column("last_error", sa.Text),
        sa.Column("traceparent", sa.Text),
    )
    op.create_index("ix_delivery_done", "delivery", ["finished_at"])
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["webhook_id", "is_bulk", "next_attempt_at", "id"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_delivery_of_webhook", "delivery", ["webhook_id", "id"])
