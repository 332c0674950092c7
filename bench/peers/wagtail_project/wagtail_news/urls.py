"""The API, which fetches brand and section of its articles with them."""

from django.urls import path
from wagtail.api.v2.router import WagtailAPIRouter
from wagtail.api.v2.views import PagesAPIViewSet
from wagtail_news.models import ArticlePage


class ArticlesAPIViewSet(PagesAPIViewSet):
    """Pages of the type article."""

    model = ArticlePage

    def get_queryset(self):
        return super().get_queryset().select_related("brand", "section")


router = WagtailAPIRouter("api")
router.register_endpoint("articles", ArticlesAPIViewSet)
urlpatterns = [path("api/v2/", router.urls)]
