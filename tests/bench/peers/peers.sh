# shellcheck shell=bash
# Sourced after measure.sh: the peers in a folder of their own, their inventories, and one run of each.
peers=$cache/peers

# Installs the peers once.
install_peers() {
    if ! cmp -s tests/bench/peers/requirements.txt "$peers/requirements.txt"; then
        dpkg-query -W -f '${Status}' python3-venv 2>/dev/null | grep -q 'ok installed' || apt-get -qq install -y python3-venv >/dev/null
        rm -rf "$peers"
        /usr/bin/python3 -m venv "$peers"
        "$peers/bin/pip" install --quiet --disable-pip-version-check -r tests/bench/peers/requirements.txt
        cp tests/bench/peers/requirements.txt "$peers/"
    fi
    export STACK=$PWD/tests/stacks/forty SYSCTL=$work/60-bench.conf
    printf '# managed by imctl\nnet.core.somaxconn = 8192\nnet.ipv4.tcp_keepalive_time = 900\n' >"$SYSCTL"
}

# Ansible wants python on the hosts; a lab host has none and no mirror, so it comes from this machine's. dpkg alone does not
# sort what must be configured first: three passes do.
python_on_hosts() {
    local debs=$cache/python host
    mkdir -p "$debs/partial"
    "$imctl" lab exec --name "$lab" h1 -- cat /var/lib/dpkg/status >"$work/status"
    apt-get -qq -o Dir::State::status="$work/status" -o Dir::Cache::archives="$debs" --no-install-recommends \
        --download-only -y install python3 >/dev/null
    for host in $(addresses 99); do
        # shellcheck disable=SC2094
        (cd "$debs" && tar c -- *.deb) | ssh_to "$host" 'rm -rf /tmp/python && mkdir /tmp/python && cd /tmp/python &&
            tar x && for pass in 1 2 3; do dpkg -i -- *.deb; done >/dev/null 2>&1; rm -rf /tmp/python; python3 -V' >/dev/null &
    done
    wait
}

# OpenSSH as plain as it gets, with the cipher and the key exchange that imctl has.
ssh_plain=(-F none -o BatchMode=yes -o LogLevel=ERROR -o Ciphers=aes128-gcm@openssh.com -o KexAlgorithms=curve25519-sha256
    -o HostKeyAlgorithms=ssh-ed25519 -o IdentitiesOnly=yes)
ssh_to() {
    local host=$1
    shift
    ssh "${ssh_plain[@]}" -o UserKnownHostsFile="$known" -i "$key" "root@$host" "$@"
}

# Inventories of the first $1 hosts for both.
peer_inventories() {
    addresses "$1" >"$work/addresses"
    sed "s|.*|    (\"&\", {}),|; 1s|^|all = ([\n|; \$s|\$|\n], {\"ssh_user\": \"root\", \"ssh_key\": \"$key\", \"ssh_known_hosts_file\": \"$known\", \"ssh_config_file\": \"/dev/null\"})|" \
        "$work/addresses" >"$work/inventory.py"
    { echo "[all]"; cat "$work/addresses"; } >"$work/hosts.ini"
    cat >"$work/ansible.cfg" <<END
[defaults]
inventory = $work/hosts.ini
remote_user = root
private_key_file = $key
forks = 20
interpreter_python = /usr/bin/python3
local_tmp = $work/ansible
[connection]
pipelining = true
[ssh_connection]
pipelining = true
ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=$known -o Ciphers=aes128-gcm@openssh.com
control_path_dir = $work/cp
END
}

# Nothing to change, or all of it; with `-y` pyinfra spares itself to find out what will change.
pyinfra_plan() { "$peers/bin/pyinfra" --dry "$work/inventory.py" tests/bench/peers/forty.py; }
pyinfra_apply() { "$peers/bin/pyinfra" -y "$work/inventory.py" tests/bench/peers/forty.py; }
ansible_plan() { ANSIBLE_CONFIG=$work/ansible.cfg "$peers/bin/ansible-playbook" --check tests/bench/peers/forty.yml; }
mitogen_plan() {
    ANSIBLE_CONFIG=$work/ansible.cfg ANSIBLE_STRATEGY=mitogen_linear \
        ANSIBLE_STRATEGY_PLUGINS=$(echo "$peers"/lib/python3*/site-packages/ansible_mitogen/plugins/strategy) \
        "$peers/bin/ansible-playbook" --check tests/bench/peers/forty.yml
}
