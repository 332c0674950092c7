"""The tables, and the rules that concern a single row.

Nothing here depends on the schemas: what is stored and what is returned change for different reasons, and a new column
must never reach a client by itself.
"""

from newsapi.changelog.tables import (
    Change,
    ChangelogHead,
    ConsumerOffset,
    Facet,
    FacetDigest,
    FailedChange,
    FilterExit,
)
from newsapi.content.tables.articles import (
    Article,
    ArticleAuthor,
    ArticleContent,
    ArticleMention,
    ArticleTag,
    ListingEntry,
    Revision,
    SlugRedirect,
)
from newsapi.content.tables.images import ArticleImage, ImageFile
from newsapi.content.tables.previews import PreviewLink
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db.tables import Secret
from newsapi.db.types import Base
from newsapi.editing.tables import TermMerge
from newsapi.imports.tables import Import, ImportChunk
from newsapi.keys.tables import ApiKey, AuditEntry, KeyDailyUsage
from newsapi.related.tables import RelatedList, RelatedListMember, RelatedPosting, RelatedProfile, RelatedTermStatistics
from newsapi.subscriptions.tables import (
    AlertDelivery,
    ConfirmationSend,
    ConsentText,
    Subscriber,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from newsapi.sync.tables import RecallReceipt
from newsapi.web.tables import IdempotencyRecord
from newsapi.webhooks.tables import Delivery, Webhook

__all__ = [
    "AlertDelivery",
    "ApiKey",
    "Article",
    "ArticleAuthor",
    "ArticleContent",
    "ArticleImage",
    "ArticleMention",
    "ArticleTag",
    "AuditEntry",
    "Author",
    "Base",
    "Brand",
    "Change",
    "ChangelogHead",
    "ConfirmationSend",
    "ConsentText",
    "ConsumerOffset",
    "Delivery",
    "Facet",
    "FacetDigest",
    "FailedChange",
    "FilterExit",
    "IdempotencyRecord",
    "ImageFile",
    "Import",
    "ImportChunk",
    "KeyDailyUsage",
    "ListingEntry",
    "PreviewLink",
    "RecallReceipt",
    "RelatedList",
    "RelatedListMember",
    "RelatedPosting",
    "RelatedProfile",
    "RelatedTermStatistics",
    "Revision",
    "Secret",
    "Section",
    "SlugRedirect",
    "Subscriber",
    "Subscription",
    "SubscriptionRequest",
    "Suppression",
    "Tag",
    "TermMerge",
    "Webhook",
]
