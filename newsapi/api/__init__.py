"""HTTP layer: parse the request, call one function, build the response.

Flask and flask-smorest are used only here and in `app`. `register` lists every blueprint of the API.
"""

from flask import Flask

from newsapi.api import (
    articles,
    changes,
    desk,
    digest,
    documentation,
    feeds,
    history,
    imports,
    links,
    problems,
    recalls,
    requests,
    search,
    sitemaps,
    subscription_page,
    subscriptions,
    system,
    taxonomy,
    vocabulary,
    watching,
    webhooks,
)
from newsapi.api.blueprints import Api


def register(app: Flask) -> Api:
    """Register all routes, error handlers and the OpenAPI document.

    Args:
        app: The application; its `extensions["newsapi"]` must hold the `AppContext`.

    Returns:
        The flask-smorest API, which holds the OpenAPI document (`api.spec`).
    """
    requests.register_hooks(app)
    problems.register(app)
    api = Api(app)
    blueprints = [
        articles.blueprint,
        changes.blueprint,
        digest.blueprint,
        feeds.blueprint,
        search.blueprint,
        sitemaps.blueprint,
        desk.blueprint,
        history.blueprint,
        imports.blueprint,
        links.blueprint,
        recalls.blueprint,
        watching.blueprint,
        webhooks.blueprint,
        system.blueprint,
    ]
    for blueprint in blueprints + taxonomy.blueprints + vocabulary.blueprints + subscriptions.blueprints:
        api.register_blueprint(blueprint)
    app.register_blueprint(subscription_page.blueprint())
    app.register_blueprint(documentation.blueprint(api))
    return api
