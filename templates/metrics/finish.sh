#!/bin/sh
# shellcheck shell=sh
# Written by gen-service for {{ own.whose.0 }} {{ own.whose.1 }}.
# Do not edit: change what it was rendered from and run gen-service again.
# $1 is the exit code of ./run. 2 is wrong usage: GATEWAYS_METRICS is no address. No new try can mend that, so it stays down.
[ "$1" -ne 2 ] || exit 125
