# Makes a fresh debootstrap tree into the base of all lab hosts. $1 = the tree.
set -eu
tree=$1
chroot "$tree" useradd -m -s /bin/bash ops
# Each host gets its own.
rm -f "$tree"/etc/ssh/ssh_host_* "$tree/etc/hostname" "$tree/etc/resolv.conf" "$tree/var/lib/dbus/machine-id"
: >"$tree/etc/machine-id"
echo '# a lab host knows no name server' >"$tree/etc/resolv.conf"
# A lab host has no terminal, and no way to its distribution's servers.
for unit in console-getty.service getty@tty1.service apt-daily.timer apt-daily-upgrade.timer; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/var/log/*.log
