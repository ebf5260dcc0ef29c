# Proves which of the planned ports can be reached: listens on its own, calls the others', says what came of it.
# Words: its number; a token; what it listens on, as "tcp/5432/0,2" with the numbers of those who will call; whom it calls,
# as "tcp/5432/2/measure/10.0.0.7". Every process of it ends after SECONDS, whatever happens.
use Socket qw(:DEFAULT :addrinfo IPPROTO_TCP TCP_NODELAY IPPROTO_IPV6 IPV6_V6ONLY IN6ADDR_ANY);
no warnings;
my ($seconds, $patience) = (9, 3);
my ($number, $token, $listen, $calls) = @ARGV;
$| = 1;
$SIG{PIPE} = "IGNORE";
alarm $seconds;

sub uptime { open my $file, "<", "/proc/uptime"; (split " ", <$file>)[0] }
sub nap { select undef, undef, undef, $_[0] }
my $begun = uptime();
sub left { $begun + $_[0] - uptime() }
# Whether a socket can be read, or written, within some seconds.
sub ready { my ($socket, $time, $write) = @_; vec(my $set = "", fileno $socket, 1) = 1; $time = 0 if $time < 0;
    ($write ? select(undef, $set, undef, $time) : select($set, undef, undef, $time)) > 0 }

# A listener for every address, of both families where the kernel has both.
sub listener {
    my ($kind, $port) = @_;
    for my $family (AF_INET6, AF_INET) {
        socket my $socket, $family, $kind eq "udp" ? SOCK_DGRAM : SOCK_STREAM, 0 or next;
        setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1 if $kind eq "tcp";
        setsockopt $socket, IPPROTO_IPV6, IPV6_V6ONLY, 0 if $family == AF_INET6;
        my $here = $family == AF_INET6 ? pack_sockaddr_in6($port, IN6ADDR_ANY) : pack_sockaddr_in($port, INADDR_ANY);
        return $socket if bind($socket, $here) && ($kind eq "udp" || CORE::listen $socket, 128);
        last if $! == 98;
    }
    undef;
}

# Greets who calls and gives back what a caller that knows the token sends, until all have called.
sub serve {
    my (%listeners, %expected, %connections) = @_;
    for my $key (keys %listeners) { $expected{"$key $_"} = 1 for split ",", $listeners{$key}[1] }
    # Who has not called when the callers' patience and a late start are over does not come any more.
    while (left($seconds - 1) > 0 && (%connections || %expected && left($patience + 1.5) > 0)) {
        my ($read, $write) = ("", "");
        vec($read, fileno $_->[0], 1) = 1 for values %listeners, values %connections;
        vec($write, fileno $_->[0], 1) = 1 for grep length $_->[2], values %connections;
        next if select($read, $write, undef, .5) < 1;
        for my $key (keys %listeners) {
            my $socket = $listeners{$key}[0];
            next if !vec $read, fileno $socket, 1;
            if ($key =~ /^udp/) {
                my $from = recv $socket, my $words, 200, 0 or next;
                my ($word, $said, $caller) = split " ", $words;
                next if $said ne $token;
                delete $expected{"$key $caller"} if $word eq "done";
                send $socket, "imctl-check $number", 0, $from if $word eq "call";
            } elsif (accept my $connection, $socket) {
                setsockopt $connection, IPPROTO_TCP, TCP_NODELAY, 1;
                fcntl $connection, 4, 2048;
                $connections{fileno $connection} = [$connection, "", "imctl-check $number\n", $key, 0];
            }
        }
        for my $id (keys %connections) {
            my ($connection, $heard, $say, $key, $known) = @{$connections{$id}};
            if (vec $write, $id, 1) { substr($connections{$id}[2], 0, syswrite($connection, $say) || 0) = "" }
            next if !vec $read, $id, 1;
            if (!sysread $connection, my $bytes, 1 << 16) { delete $connections{$id} }
            elsif ($known) { $connections{$id}[2] .= $bytes }
            elsif (($connections{$id}[1] .= $bytes) =~ s/^call (\S+) (\d+)\n//) {
                if ($1 ne $token) { delete $connections{$id}; next }
                delete $expected{"$key $2"};
                @{$connections{$id}}[2, 4] = ($connections{$id}[2] . $connections{$id}[1], 1);
            } elsif (length $connections{$id}[1] > 100) { delete $connections{$id} }
        }
    }
}

sub socket_to {
    my ($kind, $port, $address) = @_;
    my $type = $kind eq "udp" ? SOCK_DGRAM : SOCK_STREAM;
    my ($wrong, $found) = getaddrinfo($address, $port, { socktype => $type });
    return (undef, undef, "no address for $address") if $wrong;
    socket my $socket, $found->{family}, $type, 0 or return (undef, undef, "$!");
    fcntl $socket, 4, 2048;
    ($socket, $found->{addr});
}

# Whether the connection stands: nothing, or why not.
sub connected {
    my ($socket, $there) = @_;
    return "" if connect $socket, $there;
    return "$!" if $! != 115;
    return "silent" if !ready($socket, left($patience), 1);
    my $state = unpack "i", getsockopt $socket, SOL_SOCKET, SO_ERROR;
    return "" if !$state;
    return "refused" if $state == 111;
    local $! = $state;
    "$!";
}

# Round trips, packets that had to be sent again, and whether packets of full size arrive.
sub measured {
    my ($socket) = @_;
    my ($until, $answered) = (uptime() + 1.5, 1);
    for (1 .. 200) {
        last if uptime() > $until;
        syswrite $socket, "." x 64;
        my $missing = 64;
        while ($missing > 0) {
            last if !ready($socket, 1);
            $missing -= sysread($socket, my $bytes, $missing) || last;
        }
        $answered = 0, last if $missing > 0;
    }
    my ($send, $missing) = ("x" x (1 << 16), 1 << 16);
    while ($answered && $missing > 0 && left($patience + 3) > 0) {
        substr($send, 0, syswrite($socket, $send) || 0) = "" if length $send;
        next if !ready($socket, .02);
        $missing -= sysread($socket, my $bytes, 1 << 16) || last;
    }
    my $info = getsockopt $socket, IPPROTO_TCP, 11;
    # Fields of tcp_info: round trip in microseconds, segments sent again, segments sent, those sent again for nothing.
    my ($usual, $again, $sent) = map unpack("L", substr $info, $_, 4), 68, 100, 136;
    my ($least, $vain) = map length $info >= $_ + 4 ? unpack("L", substr $info, $_, 4) : 0, 148, 216;
    $again = $again > $vain ? $again - $vain : 0;
    $least ||= $usual;
    join " ", $least, $again, $sent, $missing > 0 ? "no" : "yes";
}

sub call_tcp {
    my ($port, $measure, $address) = @_;
    for (;;) {
        my ($socket, $there, $wrong) = socket_to("tcp", $port, $address);
        return "failed $wrong" if $wrong;
        my $why = connected($socket, $there);
        # Whoever listens there may begin a moment later.
        if ($why eq "refused" && left($patience) > 0) { nap(.05); next }
        return $why if $why eq "silent" || $why eq "refused";
        return "failed $why" if $why;
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
        my $said = "";
        while (ready($socket, 2.2)) { sysread $socket, $said, 1, length $said or last; last if $said =~ /\n/ }
        # A service of its own waits for the caller to speak first.
        my ($who) = $said =~ /^imctl-check (\d+)\n/ or return "open";
        syswrite $socket, "call $token $number\n";
        return "open $who" . ($measure ? " " . measured($socket) : "");
    }
}

sub call_udp {
    my ($port, $address) = @_;
    my $why = "silent";
    while (left($patience) > 0) {
        my ($socket, $there, $wrong) = socket_to("udp", $port, $address);
        return "failed $wrong" if $wrong;
        connect $socket, $there or return "failed $!";
        send $socket, "call $token $number", 0;
        next if !ready($socket, .2);
        my $said;
        if (!defined recv $socket, $said, 200, 0) { $why = "refused"; nap(.05); next }
        my ($who) = $said =~ /^imctl-check (\d+)$/ or return "open";
        send $socket, "done $token $number", 0 for 1, 2;
        return "open $who";
    }
    $why;
}

my %listeners;
for (split " ", $listen) {
    my ($kind, $port, $callers) = split "/";
    my $socket = listener($kind, $port);
    print $socket ? "bound" : "held", " $kind $port\n";
    $listeners{"$kind $port"} = [$socket, $callers] if $socket;
}
defined(my $server = fork) or die "fork: $!\n";
if (!$server) {
    alarm $seconds;
    serve(%listeners);
    exit;
}
%listeners = ();
for my $call (split " ", $calls) {
    my ($kind, $port, $peer, $measure, $address) = split "/", $call, 5;
    defined(my $child = fork) or die "fork: $!\n";
    next if $child;
    alarm $seconds;
    my $said = $kind eq "udp" ? call_udp($port, $address) : call_tcp($port, $measure eq "measure", $address);
    syswrite STDOUT, "call $kind $port $peer $said\n";
    exit;
}
1 while wait > 0;
print "end\n";
