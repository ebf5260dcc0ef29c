# Tries TCP connections to all places at once and says which of them take one; nothing is sent over them.
# Standard words: SECONDS, then ADDRESS:PORT each.
no warnings;
use strict;
use Socket qw(:DEFAULT SOCK_NONBLOCK);
use Errno qw(EINPROGRESS);
my ($seconds, @places) = @ARGV;
my %open;
while (my @some = splice @places, 0, 400) {
    my ($waiting, %sockets) = ("");
    for my $place (@some) {
        my ($address, $port) = $place =~ /^\[?(.*?)\]?:(\d+)$/ or next;
        my $six = $address =~ /:/;
        my $packed = $six ? Socket::inet_pton(AF_INET6, $address) : inet_aton($address);
        socket my $socket, $six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0 or next;
        if (connect $socket, $six ? Socket::pack_sockaddr_in6($port, $packed) : sockaddr_in($port, $packed)) { $open{$place} = 1; next }
        next if $! != EINPROGRESS;
        $sockets{fileno $socket} = [$socket, $place];
        vec($waiting, fileno $socket, 1) = 1;
    }
    my $until = time + $seconds;
    while (%sockets && time <= $until) {
        my $ready = $waiting;
        select undef, $ready, undef, 0.2 or next;
        for my $number (keys %sockets) {
            next if !vec($ready, $number, 1);
            my ($socket, $place) = @{ delete $sockets{$number} };
            vec($waiting, $number, 1) = 0;
            $open{$place} = 1 if !unpack "i", getsockopt $socket, SOL_SOCKET, SO_ERROR;
        }
    }
}
print "open $_\n" for sort keys %open;
print "done\n";
