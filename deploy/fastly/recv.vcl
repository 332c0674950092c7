# VCL snippet of type "recv" for a Fastly service in front of newsapi.

# Requests with a key go to the API.
if (req.http.Authorization) {
  return(pass);
}

# Parameters of advertising, and the order of parameters, do not change a response.
set req.url = querystring.sort(querystring.regfilter(req.url, "^(utm_[a-z_]+|fbclid|gclid|msclkid)$"));
