"""The steps that turn the HTML of an article body into its stored form; `newsapi.text.html` calls them."""
