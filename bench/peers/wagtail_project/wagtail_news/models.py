"""Articles as pages of Wagtail, with brands, sections, authors and tags as models of their own."""

from django.db import models
from modelcluster.fields import ParentalManyToManyField
from rest_framework.fields import Field
from wagtail.api import APIField
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.search import index


class Term(models.Model):
    """What brands, sections, authors and tags have in common."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=255)

    class Meta:
        abstract = True

    def __str__(self):
        return self.name


class Brand(Term):
    """A brand."""


class Section(Term):
    """A section."""


class Author(Term):
    """An author."""


class Tag(Term):
    """A tag."""


class TermField(Field):
    """Slug and name of a term."""

    def to_representation(self, value):
        return {"slug": value.slug, "name": value.name}


class TermsField(Field):
    """Slugs and names of several terms."""

    def to_representation(self, value):
        return [{"slug": term.slug, "name": term.name} for term in value.all()]


class ArticlePage(Page):
    """An article; its headline is the title of the page."""

    standfirst = models.TextField()
    body = RichTextField()
    image_url = models.URLField()
    published_at = models.DateTimeField(db_index=True)
    updated_at = models.DateTimeField()
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    section = models.ForeignKey(Section, on_delete=models.PROTECT)
    authors = ParentalManyToManyField(Author)
    tags = ParentalManyToManyField(Tag)

    search_fields = [*Page.search_fields, index.SearchField("standfirst"), index.SearchField("body")]
    api_fields = [
        *(APIField(name) for name in ("standfirst", "body", "image_url", "published_at", "updated_at")),
        *(APIField(name, serializer=TermField()) for name in ("brand", "section")),
        *(APIField(name, serializer=TermsField()) for name in ("authors", "tags")),
    ]
