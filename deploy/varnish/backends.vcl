# The machines around Varnish; newsapi.vcl includes this file. Adapt it: one backend for each API node, each added to
# the director, and the addresses from which workers purge.

probe healthz {
    .url = "/healthz";
    .interval = 1s;
    .timeout = 1s;
    .window = 3;
    .threshold = 2;
}

backend node1 {
    .host = "127.0.0.1";
    .port = "8000";
    .connect_timeout = 1s;
    .first_byte_timeout = 65s;    # long polling takes up to 30 seconds
    .probe = healthz;
}

sub vcl_init {
    new nodes = directors.shard();
    nodes.add_backend(node1);
}

acl purgers {
    "127.0.0.1";
    "::1";
}
