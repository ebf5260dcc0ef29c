#!/bin/sh
# Counts the settings of all parts.
exec grep -c = /etc/bench/*/*.conf
