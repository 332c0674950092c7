# Varnish 7 in front of newsapi. Needs the module xkey (Debian: varnish-modules).
#
# The API nodes and the addresses that may purge are in backends.vcl, beside this file: adapt that one.

vcl 4.1;

import directors;
import std;
import xkey;

include "./backends.vcl";

sub vcl_recv {
    if (req.method == "PURGE" || req.method == "BAN") {
        if (client.ip !~ purgers) {
            return (synth(403, "Forbidden"));
        }
        if (req.method == "BAN") {
            ban("obj.status > 0");
            return (synth(200, "Purged all"));
        }
        set req.http.n-purged = xkey.purge(req.http.xkey-purge);
        return (synth(200, "Purged " + req.http.n-purged));
    }

    set req.backend_hint = nodes.backend(resolve=LAZY);

    # The API sets and reads no cookies.
    unset req.http.Cookie;

    # Parameters of advertising, and the order of parameters, do not change a response.
    if (req.url ~ "\?") {
        set req.url = regsuball(req.url, "([?&])(utm_[a-z_]+|fbclid|gclid|msclkid)=[^&]*", "\1");
        set req.url = regsuball(req.url, "&+", "&");
        set req.url = regsub(regsub(req.url, "\?&", "?"), "[?&]$", "");
        set req.url = std.querysort(req.url);
    }

    # Requests with a key, and all but reads, go to the API.
    if (req.http.Authorization || (req.method != "GET" && req.method != "HEAD")) {
        return (pass);
    }

    # A healthy API answers itself; what is past its lifetime is for the time when it does not (vcl_deliver).
    if (req.restarts == 0) {
        unset req.http.x-stale-if-error;
    }
    if (req.restarts == 0 && std.healthy(req.backend_hint)) {
        set req.grace = 0s;
    } else {
        set req.grace = 24h;
    }
    return (hash);
}

sub vcl_hash {
    # The API ignores the host name, so all names share the responses.
    hash_data(req.url);
    return (lookup);
}

sub vcl_miss {
    # The API just failed, and there is nothing older.
    if (req.http.x-stale-if-error) {
        return (synth(503, "Service Unavailable"));
    }
}

sub vcl_backend_fetch {
    unset bereq.http.x-stale-if-error;
    # Requests for one URL go to one node, so that each node caches other responses. The second try goes to another node.
    set bereq.backend = nodes.backend(by=HASH, alt=bereq.retries);
    # A machine that is gone does not answer on the connections that are kept to it. Long polling takes 30 seconds.
    if (bereq.method != "GET" && bereq.method != "HEAD") {
        set bereq.first_byte_timeout = 20s;
    } elsif (bereq.url !~ "[?&]wait=") {
        set bereq.first_byte_timeout = 4s;
    }
    set bereq.between_bytes_timeout = 10s;
}

sub vcl_backend_response {
    set beresp.http.xkey = beresp.http.Surrogate-Key;
    if (beresp.status == 503 && bereq.retries == 0 && (bereq.method == "GET" || bereq.method == "HEAD")) {
        return (retry);
    }
    if (beresp.status >= 500) {
        # It must not hide an older response.
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
        return (deliver);
    }
    if (beresp.http.Cache-Control ~ "no-store|private") {
        # For a minute, requests for it do not wait for each other.
        set beresp.uncacheable = true;
        set beresp.ttl = 60s;
        return (deliver);
    }
    if (beresp.http.CDN-Cache-Control ~ "max-age=\d+") {
        set beresp.ttl = std.duration(regsub(beresp.http.CDN-Cache-Control, ".*max-age=(\d+).*", "\1s"), 2s);
    }
    set beresp.grace = 24h;    # stale-if-error
    set beresp.keep = 10m;     # for conditional requests to the API
}

sub vcl_backend_error {
    # The node was killed, and the probe has not noticed yet. A write is not repeated: it may have been done.
    if (bereq.retries == 0 && (bereq.method == "GET" || bereq.method == "HEAD")) {
        return (retry);
    }
    # Turned into JSON by vcl_synth, or into an older response by vcl_deliver.
    set beresp.uncacheable = true;
    set beresp.ttl = 0s;
    return (deliver);
}

sub vcl_deliver {
    if (resp.status >= 500 && req.restarts == 0 && !req.http.Authorization
        && (req.method == "GET" || req.method == "HEAD")) {
        set req.http.x-stale-if-error = "1";
        return (restart);
    }
    unset resp.http.xkey;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
}

sub vcl_synth {
    set resp.http.Cache-Control = "no-store";
    if (resp.status == 503) {
        set resp.http.Content-Type = "application/problem+json";
        set resp.http.Retry-After = "2";
        set resp.http.Access-Control-Allow-Origin = "*";
        synthetic({"{"type": "/problems/unavailable", "code": "unavailable", "title": "Service unavailable", "status": 503}
"});
        return (deliver);
    }
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    synthetic(resp.reason);
    return (deliver);
}
