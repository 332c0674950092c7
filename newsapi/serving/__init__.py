"""The server and worker processes and their supervisor. `newsapi.app` builds what runs in them."""
