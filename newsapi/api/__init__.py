"""HTTP: parse, ask one function, answer. Flask and flask-smorest live here and in `app` alone.

`register` reads like the contract: every blueprint there is.
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
    """Give the application all its routes, its errors and its document; answer the document's keeper."""
    requests.register(app)
    problems.register(app)
    api = Api(app)
    rooms = (
        *(articles, changes, digest, feeds, search, sitemaps),
        *(desk, history, imports, links, recalls, watching, webhooks, system),
    )
    for blueprint in (*(room.blueprint for room in rooms), *taxonomy.blueprints, *vocabulary.blueprints):
        api.register_blueprint(blueprint)
    for blueprint in subscriptions.blueprints:
        api.register_blueprint(blueprint)
    app.register_blueprint(subscription_page.blueprint())
    app.register_blueprint(documentation.blueprint(api))
    return api
