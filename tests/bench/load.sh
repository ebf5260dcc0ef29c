#!/bin/bash
# imctl's load generator beside tsung 1.7 (Debian's), both with SASL PLAIN over direct TLS (tsung knows no SCRAM, and its STARTTLS hangs)
# against one lab host that allows PLAIN only here: the same accounts, sessions, login rate, messages and message rate. Then the
# generator as it is, `imctl load` with SCRAM. Usage: tests/bench/load.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
sessions=1000 login_rate=40 each=5 gap=10
[ -z "$quick" ] || sessions=200 login_rate=20 each=3 gap=5
messages=$((sessions * each)) rate=$((sessions / gap))
domain=im.bench.example name=benchuser password=Bench-lantern-pencil-
# A user of tsung waits so long before his first message, until everybody is in, and stays so long after his last one.
wait=$((sessions * 2 / login_rate + 20))
stay=$wait
command -v tsung >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends tsung >/dev/null
# An Erlang port mapper of its own, which ends with the script.
export ERL_EPMD_PORT=14369
tsung=

# Ends tsung and its port mapper, by their own ids.
end_tsung() {
    local id
    for id in ${tsung:+$(beams "$tsung")} $tsung; do kill "$id" 2>/dev/null || true; done
    epmd -kill >/dev/null 2>&1 || true
}
trap 'status=$?; set +e; end_tsung; (exit $status); leave' EXIT

# The Erlang machines that a process started.
beams() {
    local id
    for id in $(cat "/proc/$1/task/$1/children" 2>/dev/null || true); do
        ! grep -qsx beam.smp "/proc/$id/comm" || echo "$id"
    done
}
# `CPU-ms KiB PEAK-KiB` of processes, together.
used() {
    local id ticks=0 kib=0 peak=0
    for id in "$@"; do
        ticks=$((ticks + $(sed 's/.*) //' "/proc/$id/stat" | awk '{ print $12 + $13 }')))
        kib=$((kib + $(awk '/^VmRSS/ { print $2 }' "/proc/$id/status")))
        peak=$((peak + $(awk '/^VmHWM/ { print $2 }' "/proc/$id/status")))
    done
    echo "$((ticks * 1000 / $(getconf CLK_TCK))) $kib $peak"
}
connected() { ss -Htn state established dst "$address:5223" | wc -l; }
# Sessions that the server counts.
online() { "$imctl" lab exec --name "$lab" im1 -- ejabberdctl connected_users_number | tr -d '\r\n '; }
value() { awk -v key="$2" '$1 == key { print $2 }' "$work/$1.values"; }
divide() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.3f", a / b; else print "none" }'; }
row() {
    printf '  %-30s %8s ms CPU a login %8s ms CPU a message %9s KiB an idle session, %9s at most  (%s sessions, %s messages)\n' "$2" \
        "$(value "$1" login_ms)" "$(value "$1" message_ms)" "$(value "$1" session_kib)" "$(value "$1" peak_kib)" \
        "$(value "$1" sessions | cut -d. -f1)" "$(value "$1" sent | cut -d. -f1)"
}

# What tsung is to do: no roster, one presence, and as many messages as ours. Everything else is as it comes.
tsung_file() {
    cat <<END
<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">
<tsung loglevel="notice" version="1.0">
  <clients><client host="localhost" use_controller_vm="true" maxusers="60000"/></clients>
  <servers><server host="$address" port="5223" type="ssl"/></servers>
  <load>
    <arrivalphase phase="1" duration="30" unit="minute">
      <users maxnumber="$sessions" arrivalrate="$login_rate" unit="second"/>
    </arrivalphase>
  </load>
  <options>
    <option name="ssl_reuse_sessions" value="false"/>
    <option type="ts_jabber" name="global_number" value="$sessions"/>
    <option type="ts_jabber" name="userid_max" value="$sessions"/>
    <option type="ts_jabber" name="domain" value="$domain"/>
    <option type="ts_jabber" name="username" value="$name"/>
    <option type="ts_jabber" name="passwd" value="$password"/>
  </options>
  <sessions>
    <session probability="100" name="bench" type="ts_jabber" bidi="true">
      <request><jabber type="connect" ack="local"/></request>
      <request><jabber type="auth_sasl" ack="local"/></request>
      <request><jabber type="connect" ack="local"/></request>
      <request><jabber type="auth_sasl_bind" ack="local"/></request>
      <request><jabber type="presence:initial" ack="no_ack"/></request>
      <thinktime value="$wait"/>
      <for var="i" from="1" to="$each">
        <transaction name="say">
          <request><jabber type="chat" ack="no_ack" size="120" destination="online"/></request>
        </transaction>
        <thinktime value="$gap"/>
      </for>
      <thinktime value="$stay"/>
      <request><jabber type="close" ack="no_ack"/></request>
    </session>
  </sessions>
</tsung>
END
}

# Runs tsung and reads what its processes used: before the first connection, when all stand and are idle, when all has been sent.
measure_tsung() {
    local machine before idle after first stood last=0 now still=0 there sent
    tsung_file >"$work/tsung.xml"
    mkdir "$work/tsung"
    HOME=$work tsung -n -f "$work/tsung.xml" -l "$work/tsung" start >"$work/tsung.out" 2>&1 &
    tsung=$!
    # Until somebody is in; its start takes seconds.
    for ((n = 0; n < 600; n++)); do
        machine=$(beams "$tsung")
        [ -z "$machine" ] || before=$(used $machine)
        [ "$(connected)" = 0 ] || break
        sleep 0.1
    done
    first=$SECONDS stood=$SECONDS
    # Until the number of connections has stood still for four seconds.
    while [ $still -lt 4 ] && [ $((SECONDS - first)) -lt $((wait - 6)) ]; do
        sleep 1
        now=$(connected)
        if [ "$now" = "$last" ]; then still=$((still + 1)); else still=0 stood=$SECONDS; fi
        last=$now
    done
    there=$(online)
    sleep $((wait - 3 - (SECONDS - first)))
    idle=$(used $machine)
    sleep $((stood + wait + each * gap + 2 - SECONDS))
    after=$(used $machine)
    wait "$tsung"
    tsung=
    sent=$(awk '$2 == "tr_say" { sum += $3 } END { print sum + 0 }' "$work"/tsung/*/tsung.log)
    # shellcheck disable=SC2086
    set -- $before $idle $after
    cat >"$work/tsung.values" <<END
sessions $there
sent $sent
login_ms $(divide $(($4 - $1)) "$there")
message_ms $(divide $(($7 - $4)) "$sent")
session_kib $(divide $(($5 - $2)) "$there")
peak_kib $(divide $(($9 - $2)) "$there")
END
}

loader=${LOAD_PROGRAM:-$(cargo build --locked --release --quiet --bin imctl --bench load --message-format=json |
    sed -n 's/.*"name":"load".*"executable":"\([^"]*\)".*/\1/p')}
[ -x "$loader" ]
machine
cat >"$work/template.yml" <<END
name: bench
domain: $domain
stack: ejabberd
targets: { users: 5000, online: 2000, retention: 30d, file-retention: 10d }
ssh: { user: root }
hosts:
  im1: { address: 192.0.2.1, roles: [app, balancer, database, files] }
END
lab_up "$work/template.yml"
"$imctl" bundle build -i "$work/lab.yml" -o "$work/bundle" --trust >"$work/bundle.out" 2>&1
"$imctl" install -y -i "$work/lab.yml" --bundle "$work/bundle" >"$work/install.out" 2>&1
address=$(sed -n 's/^  im1: { address: \([^,]*\),.*/\1/p' "$work/lab.yml")
for ((n = 1; n <= sessions; n++)); do echo "$name$n,$password$n"; done >"$work/users.csv"
"$imctl" user import "$work/users.csv" -y -i "$work/lab.yml" >"$work/import.out" 2>&1
"$imctl" lab exec --name "$lab" im1 -- sh -c "sed -i 's/, plain\]/]/' /etc/ejabberd/ejabberd.yml && ejabberdctl reload_config" >"$work/plain.out" 2>&1

"$loader" "$work/.imctl/bench/pki/ca.pem" "$address:5223" $domain $name $password $sessions $login_rate $messages $rate >"$work/ours.values"
measure_tsung
# Exit codes 3 and 4 tell of times, which a crowded machine may miss.
"$imctl" load -i "$work/lab.yml" --confirm bench --online $sessions --users $sessions --login-rate $login_rate --rate $rate \
    --duration $((each * gap))s --output json >"$work/scram.json" 2>"$work/scram.err" || case $? in
3 | 4) ;;
*)
    tail -n 5 "$work/scram.err" >&2
    exit 1
    ;;
esac
tr -d ' \n' <"$work/scram.json" | grep -o '"generator":{[^}]*}' | head -n 1 >"$work/generator"
grep -q login-cpu-ms "$work/generator"
of_generator() { sed -n 's/.*"'"$1"'":\([0-9.]*\).*/\1/p' "$work/generator"; }
cat >"$work/scram.values" <<END
sessions $sessions
sent $messages
login_ms $(of_generator login-cpu-ms)
message_ms $(of_generator message-cpu-ms)
session_kib $(of_generator session-kib)
peak_kib -
END

times_ours() { divide "$(value tsung "$1")" "$(value ours "$1")"; }
echo "load: $sessions sessions at $login_rate logins/s, $messages messages at $rate/s"
row ours "imctl, PLAIN, direct TLS"
row tsung "tsung, PLAIN, direct TLS"
row scram "imctl load, SCRAM-SHA-256"
printf '  tsung of ours: %s of the CPU of a message, %s of the memory at most\n' "$(times_ours message_ms)" "$(times_ours peak_kib)"
verdict "memory of an idle session, tsung's of ours" "$(times_ours session_kib)" at-least 15
verdict "CPU of a login, tsung's of ours" "$(times_ours login_ms)" at-least 10
verdict "imctl load: memory of a session, KiB" "$(value scram session_kib)" at-most 16
verdict "imctl load: CPU of a login with SCRAM, ms" "$(value scram login_ms)" at-most 1.0
verdict "imctl load: CPU of a message, ms" "$(value scram message_ms)" at-most 0.08
verdict "messages of ours that did not arrive" "$(awk -v all=$messages '$1 == "arrived" { print all - $2 }' "$work/ours.values")" at-most 0
exit $missed
