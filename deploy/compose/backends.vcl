# The machines around the Varnish of deploy/compose.yaml; newsapi.vcl includes this file.
#
# Addresses by number: a name is looked up only once, when Varnish starts. Those that may purge stand one by one, because
# clients may seem to come from the first address of the network.

probe healthz {
    .url = "/healthz";
    .interval = 1s;
    .timeout = 1s;
    .window = 3;
    .threshold = 2;
}

backend node1 {
    .host = "172.30.0.11";
    .port = "8000";
    .connect_timeout = 1s;
    .first_byte_timeout = 65s;    # long polling takes up to 30 seconds
    .probe = healthz;
}

backend node2 {
    .host = "172.30.0.12";
    .port = "8000";
    .connect_timeout = 1s;
    .first_byte_timeout = 65s;    # long polling takes up to 30 seconds
    .probe = healthz;
}

sub vcl_init {
    new nodes = directors.shard();
    nodes.add_backend(node1);
    nodes.add_backend(node2);
}

acl purgers {
    "172.30.0.11";
    "172.30.0.12";
    "172.30.0.13";
}
