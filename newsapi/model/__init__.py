"""The tables, and the rules that concern a single row.

Nothing here depends on the schemas: what is stored and what is returned change for different reasons, and a new column
must never reach a client by itself.
"""

from newsapi.model.articles import (
    Article,
    ArticleAuthor,
    ArticleDetail,
    ArticleMention,
    ArticleTag,
    Listing,
    OldSlug,
    Revision,
)
from newsapi.model.base import Base
from newsapi.model.changes import Change, LogHead, Place, Secret
from newsapi.model.desk import Deed, Key, Merge, PreviewLink, Repeat
from newsapi.model.imports import Import, ImportPart
from newsapi.model.partners import Departure, KeyUse, Receipt, Tally
from newsapi.model.relatedness import RelatedEntry, RelatedList, RelatedPosting, RelatedProfile, RelatedWeights
from newsapi.model.search import SearchBlock, SearchFresh, SearchPosting, SearchSequence, SearchText, SearchWord
from newsapi.model.subscriptions import (
    AlertMail,
    BoxMail,
    ConsentText,
    Subscriber,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from newsapi.model.taxonomy import Author, Brand, Facet, Section, Tag
from newsapi.model.webhooks import Delivery, Webhook

__all__ = [
    "AlertMail",
    "Article",
    "ArticleAuthor",
    "ArticleDetail",
    "ArticleMention",
    "ArticleTag",
    "Author",
    "Base",
    "BoxMail",
    "Brand",
    "Change",
    "ConsentText",
    "Deed",
    "Delivery",
    "Departure",
    "Facet",
    "Import",
    "ImportPart",
    "Key",
    "KeyUse",
    "Listing",
    "LogHead",
    "Merge",
    "OldSlug",
    "Place",
    "PreviewLink",
    "Receipt",
    "RelatedEntry",
    "RelatedList",
    "RelatedPosting",
    "RelatedProfile",
    "RelatedWeights",
    "Repeat",
    "Revision",
    "SearchBlock",
    "SearchFresh",
    "SearchPosting",
    "SearchSequence",
    "SearchText",
    "SearchWord",
    "Secret",
    "Section",
    "Subscriber",
    "Subscription",
    "SubscriptionRequest",
    "Suppression",
    "Tag",
    "Tally",
    "Webhook",
]
