#!/command/with-contenv sh
# shellcheck shell=sh
# Written by gen-service for {{ own.whose.0 }} {{ own.whose.1 }}.
# Do not edit: change what it was rendered from and run gen-service again.
set -eu
exec 2>&1
{%- if own.in_s6_rc %}

# s6-rc is to know that it stays down. It is told in the background, once this has ended, since it may wait for that; and only if nothing else
# would stop with it.
give_up() {
  (
    s6-svwait -D -t 6000 .
    wanted=$(s6-svstat -o wantedup .)
    [ "${wanted}" = false ]
    stops=$(s6-rc -b -l ../.. -d listall {{ own.service }})
    [ "${stops}" = {{ own.service }} ]
    s6-rc -b -l ../.. -d change {{ own.service }}
  ) </dev/null >/dev/null 2>&1 &
  exit 125
}
{%- endif %}

{% if has_watchdog -%}
# Why the watchdog has ended it, which is for its log.{% if crash_budget.is_some() %} That spends the crash budget, whatever it ended with.
codes=0-142,144-255{% endif %}
if why=$(cat data/why 2>/dev/null); then
  printf '%s: %s\n' {{ own.service }} "${why}"
  rm -f data/why
{%- if crash_budget.is_some() %}
  codes=0-255
{%- endif %}
fi

{% endif -%}
# Whoever has told it to stop has what he wanted, whatever it ended with: Hermes ends with 1 after TERM. That is no crash, nor is what was before.
wanted=$(s6-svstat -o wantedup . 2>/dev/null) || wanted=unknown
if [ "${wanted}" = false ]; then
  s6-svdt-clear . 2>/dev/null || :
  exit 0
fi

# $1 is the exit code of ./run, or 256 where a signal ended it.
case "$1" in
  78) # EX_CONFIG, which no new try can mend
    printf '%s: exit 78, a configuration error: down until it is started again\n' {{ own.service }}
    {% if own.in_s6_rc %}give_up{% else %}exit 125{% endif %}
    ;;
  75) # EX_TEMPFAIL: Hermes asks to be started again. If another gateway serves the same, it does so for ever, and is given time.
    if s6-permafailon 60 3 75 true 2>/dev/null; then
      printf '%s: exit 75, it asks to be started again\n' {{ own.service }}
    else
{%- if owner.is_isolated() %}
      printf '%s: exit 75 again and again: see gatewayctl doctor\n' {{ own.service }}
{%- else %}
      printf '%s: exit 75 again and again: does another one serve the same? See gatewayctl doctor\n' {{ own.service }}
{%- endif %}
      sleep 4 # s6-supervise kills this after 5
    fi
    ;;
  *) ;;
esac
{%- if let Some((budget, seconds)) = crash_budget %}

# {{ budget }} deaths within {{ seconds }} seconds leave the {{ own.kind }} down. Every exit code counts, 0 too: a graceful restart exits 0,
# and so does a loop of them. A signal counts as 128 + its number, but 143, TERM, is how an operator stops a {{ own.kind }}.
{% if own.in_s6_rc -%}
code=0
s6-permafailon {{ seconds }} {{ budget }} {% if has_watchdog %}"${codes}"{% else %}0-142,144-255{% endif %} true || code=$?
[ "${code}" -ne 125 ] || give_up
exit "${code}"
{%- else -%}
exec s6-permafailon {{ seconds }} {{ budget }} {% if has_watchdog %}"${codes}"{% else %}0-142,144-255{% endif %} true
{%- endif %}
{%- endif %}
