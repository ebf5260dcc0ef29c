# Keeps one lab host running: $1 = its folder, $2 = its name in the kernel, $3 = its host name, $4 = the base.
# Mounts stand in this process's own mount namespace, so they end with it.
set -u
folder=$1 machine=$2 name=$3 base=$4
for root in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    if [ -e "$root/cgroup.procs" ]; then echo $$ >"$root/$machine/cgroup.procs" || exit 1; fi
done
# A `down` that came first has taken the record away.
[ -e "$folder/../../lab.json" ] || exit 1
# Nothing of a lab must outlive this machine's power: no write waits for the disk.
rm -rf "$folder/scratch" && mkdir "$folder/scratch" || exit 1
mount -t overlay imctl-lab -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/scratch,volatile" "$folder/root" || exit 1
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
status=133
while [ $status -eq 133 ]; do
    systemd-nspawn --quiet --directory="$folder/root" --boot --register=no --keep-unit --console=read-only \
        --network-namespace-path="/run/netns/$machine" --machine="$machine" --hostname="$name" --link-journal=no \
        --capability=CAP_NET_ADMIN,CAP_SYS_PTRACE --resolv-conf=off --timezone=off </dev/null
    status=$?
done
exit $status
