"""HTTP layer: parse the request, call one function, build the response.

Flask and flask-smorest are used only here and in `app`. `register` lists every blueprint of the API.
"""

from flask import Flask

from newsapi.editing import article_views as editing_article_views
from newsapi.editing import preview_views, revision_views
from newsapi.editing import term_views as editing_term_views
from newsapi.feeds import sitemap_views
from newsapi.feeds import views as feed_views
from newsapi.images import views as image_views
from newsapi.imports import views as import_views
from newsapi.keys import views as key_views
from newsapi.reading import article_views as reading_article_views
from newsapi.reading import term_views as reading_term_views
from newsapi.search import views as search_views
from newsapi.subscriptions import page as subscription_page
from newsapi.subscriptions import views as subscription_views
from newsapi.sync import change_views, digest_views, recall_views
from newsapi.web import docs, entry_points, health, home_page, problems, request_hooks
from newsapi.web.blueprint import Api
from newsapi.webhooks import views as webhook_views
from newsapi.webhooks.openapi import document_webhooks


def register(app: Flask) -> Api:
    """Register all routes, error handlers and the OpenAPI document.

    Args:
        app: The application; its `extensions["newsapi"]` must hold the `AppContext`.

    Returns:
        The flask-smorest API, which holds the OpenAPI document (`api.spec`).
    """
    request_hooks.register_hooks(app)
    problems.register(app)
    api = Api(app)
    blueprints = [
        reading_article_views.blueprint,
        change_views.blueprint,
        digest_views.blueprint,
        feed_views.blueprint,
        search_views.blueprint,
        sitemap_views.blueprint,
        editing_article_views.blueprint,
        revision_views.blueprint,
        image_views.blueprint,
        import_views.blueprint,
        preview_views.blueprint,
        recall_views.blueprint,
        key_views.blueprint,
        webhook_views.blueprint,
        entry_points.blueprint,
        health.blueprint,
    ]
    for blueprint in (
        blueprints + reading_term_views.blueprints + editing_term_views.blueprints + subscription_views.blueprints
    ):
        api.register_blueprint(blueprint)
    document_webhooks(api)
    app.register_blueprint(subscription_page.blueprint())
    app.register_blueprint(docs.blueprint())
    app.register_blueprint(home_page.blueprint())
    return api
