# A server of lines for many connections at once, and its client. One process, one loop, no answer is waited for inside it.
package Lines;
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;

# Listens on all addresses, IPv6 where there is any.
sub listener {
    my ($port) = @_;
    my @way = (LocalPort => $port, Listen => 128, ReuseAddr => 1);
    return IO::Socket::IP->new(LocalHost => '::', V6Only => 0, @way)
      || IO::Socket::IP->new(LocalHost => '0.0.0.0', @way)
      || die "cannot listen on $port: $@\n";
}

# serve(ports => [..], line => sub (client, line) -> answer or undef to hang up, hup => sub, gone => sub (client))
sub serve {
    my (%is) = @_;
    my (%client, $hup);
    my %port = map { my $it = listener($_); fileno($it) => [$it, $_] } @{ $is{ports} };
    my $select = IO::Select->new(map { $_->[0] } values %port);
    my $close = sub {
        my ($it) = @_;
        $select->remove($it->{socket});
        delete $client{ fileno $it->{socket} };
        close $it->{socket};
        $is{gone}->($it) if $is{gone};
    };
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{HUP} = sub { $hup = 1 };
    tell_systemd();
    while (1) {
        for my $socket ($select->can_read(1)) {
            my $number = fileno $socket;
            next if !defined $number;    # closed a moment ago, while another one was heard
            if (my $listener = $port{$number}) {
                my $new = $listener->[0]->accept or next;
                $client{ fileno $new } = { socket => $new, port => $listener->[1], in => '', close => $close };
                $select->add($new);
                next;
            }
            my $it = $client{$number} or next;
            my $read = sysread $socket, $it->{in}, 65536, length $it->{in};
            if (!$read || length $it->{in} > 1 << 20) { $close->($it); next }
            while ($it->{in} =~ s/^([^\n]*)\n//) {
                my $answer = $is{line}->($it, $1);
                if (!defined $answer) { $close->($it); last }
                say_to($it->{socket}, $answer) if length $answer;
            }
        }
        if ($hup) { $hup = 0; $is{hup}->() if $is{hup} }
    }
}

# A start is over when connections are accepted.
sub tell_systemd {
    my $path = $ENV{NOTIFY_SOCKET} or return;
    $path =~ s/^@/\0/;
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $path) or return;
    syswrite $socket, 'READY=1';
    return;
}

sub say_to { my ($socket, $text) = @_; return syswrite $socket, "$text\n" }

# A connection that has at most some seconds for all it does.
sub dial {
    my ($host, $port, $seconds) = @_;
    return IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Timeout => $seconds || 3);
}

# Says lines and returns as many answers; nothing when the other end does not answer in time.
sub ask {
    my ($host, $port, @lines) = @_;
    my $socket = dial($host, $port) or return;
    say_to($socket, $_) for @lines;
    return answers($socket, scalar @lines);
}

sub answers {
    my ($socket, $count, $seconds) = @_;
    my ($in, $end, @answers) = ('', time + ($seconds || 3));
    my $select = IO::Select->new($socket);
    while (@answers < $count) {
        my $left = $end - time;
        return if $left <= 0 || !$select->can_read($left);
        sysread $socket, $in, 65536, length $in or return;
        push @answers, $1 while @answers < $count && $in =~ s/^([^\n]*)\n//;
    }
    return @answers;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';
}

# Replaces a file whole.
sub spew {
    my ($path, $text) = @_;
    open my $file, '>', "$path.new" or die "$path: $!\n";
    print {$file} $text;
    $file->flush && $file->sync or die "$path: $!\n";
    close $file or die "$path: $!\n";
    rename "$path.new", $path or die "$path: $!\n";
    return;
}

1;
