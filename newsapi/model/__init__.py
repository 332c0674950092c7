"""The tables, and the rules that concern a single row.

Nothing here depends on the schemas: what is stored and what is returned change for different reasons, and a new column
must never reach a client by itself.
"""

from newsapi.model.articles import (
    Article,
    ArticleAuthor,
    ArticleContent,
    ArticleMention,
    ArticleTag,
    ListingEntry,
    SlugRedirect,
    Revision,
)
from newsapi.model.base import Base
from newsapi.model.changes import Change, ChangelogHead, ConsumerOffset, Secret
from newsapi.model.desk import AuditEntry, ApiKey, TermMerge, PreviewLink, IdempotencyRecord
from newsapi.model.imports import Import, ImportChunk
from newsapi.model.partners import FilterExit, KeyDailyUsage, RecallReceipt, FacetDigest
from newsapi.model.relatedness import (
    RelatedListMember,
    RelatedList,
    RelatedPosting,
    RelatedProfile,
    RelatedTermStatistics,
)
from newsapi.model.search import (
    SearchSegment,
    SearchPendingDocument,
    SearchPosting,
    SearchTokenSequence,
    SearchDocument,
    SearchVocabularyEntry,
)
from newsapi.model.subscriptions import (
    AlertDelivery,
    ConfirmationSend,
    ConsentText,
    Subscriber,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from newsapi.model.taxonomy import Author, Brand, Facet, Section, Tag
from newsapi.model.webhooks import Delivery, Webhook

__all__ = [
    "AlertDelivery",
    "Article",
    "ArticleAuthor",
    "ArticleContent",
    "ArticleMention",
    "ArticleTag",
    "Author",
    "Base",
    "ConfirmationSend",
    "Brand",
    "Change",
    "ConsentText",
    "AuditEntry",
    "Delivery",
    "FilterExit",
    "Facet",
    "Import",
    "ImportChunk",
    "ApiKey",
    "KeyDailyUsage",
    "ListingEntry",
    "ChangelogHead",
    "TermMerge",
    "SlugRedirect",
    "ConsumerOffset",
    "PreviewLink",
    "RecallReceipt",
    "RelatedListMember",
    "RelatedList",
    "RelatedPosting",
    "RelatedProfile",
    "RelatedTermStatistics",
    "IdempotencyRecord",
    "Revision",
    "SearchSegment",
    "SearchPendingDocument",
    "SearchPosting",
    "SearchTokenSequence",
    "SearchDocument",
    "SearchVocabularyEntry",
    "Secret",
    "Section",
    "Subscriber",
    "Subscription",
    "SubscriptionRequest",
    "Suppression",
    "Tag",
    "FacetDigest",
    "Webhook",
]
