# VCL snippet of type "fetch" for a Fastly service in front of newsapi.

# Fastly does not read CDN-Cache-Control by itself, and Cache-Control lets it keep nothing.
if (beresp.http.CDN-Cache-Control ~ "max-age=([0-9]+)") {
  set beresp.ttl = std.integer2time(std.atoi(re.group.1));
  set beresp.stale_if_error = 86400s;
  set beresp.stale_while_revalidate = 0s;
}
