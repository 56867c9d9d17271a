#!/command/with-contenv sh
# shellcheck shell=sh
# Written by gen-service for {{ own.whose.0 }} {{ own.whose.1 }}.
# Do not edit: change what it was rendered from and run gen-service again.
set -eu
exec 2>&1

# $1 is the exit code of ./run, or 256 where a signal ended it; 78 is EX_CONFIG, which no new try can mend.
if [ "$1" -eq 78 ]; then
  printf '%s: exit 78, a configuration error: down until it is started again\n' {{ own.service }}
  exit 125
fi
{%- if let Some((budget, seconds)) = crash_budget %}

# {{ budget }} deaths within {{ seconds }} seconds leave the {{ own.kind }} down. Every exit code counts, 0 too: a graceful restart exits 0,
# and so does a loop of them. A signal counts as 128 + its number, but 143, TERM, is how an operator stops a {{ own.kind }}.
exec s6-permafailon {{ seconds }} {{ budget }} 0-142,144-255 true
{%- endif %}
