{# `|safe` below: a quoted value may not stand inside quotes, and a Listen is only letters, digits, `.`, `:`, `[` and `]`. -#}
#!/command/with-contenv sh
# shellcheck shell=sh
# Written by gen-service for {{ own.whose.0 }} {{ own.whose.1 }}.
# Do not edit: change what it was rendered from and run gen-service again.
# It runs as root, since it {{ what|safe }}. It has no logger: what it says stands in the container's log.
set -eu
exec 2>&1
exec gatewayctl {{ command }}
{%- if let Some(listen) = listen %} --listen="${GATEWAYS_METRICS:-{{ listen|safe }}}"
{%- endif %}
