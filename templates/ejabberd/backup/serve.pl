#!/usr/bin/perl
# Kept by imctl. Runs as the owner of the repository, once for each connection to the socket: reads one word, does it, says how it
# goes, and ends with one line of JSON.
use strict;
use warnings;
use JSON::PP;

$| = 1;
my @run = qw(/usr/bin/pgbackrest --stanza=im);
my $json = JSON::PP->new->canonical;

sub end {
  print $json->encode({@_}), "\n";
  exit 0;
}

# What pgBackRest knows of its backups.
sub info {
  open my $from, '-|', @run, qw(--log-level-console=error --output=json info) or return;
  my $text = do { local $/; <$from> };
  return close $from ? eval { $json->decode($text)->[0] } : undef;
}

# Runs it and passes its lines on, to the one who asked and to a function; () when it went well, else what it said last.
sub told {
  my $ear = shift;
  my ($said, $error) = ('', '');
  my $pid = open my $from, '-|';
  return 'cannot be started' unless defined $pid;
  if (!$pid) {
    open STDERR, '>&', \*STDOUT;
    exec @run, '--log-level-console=info', @_;
    exit 127;
  }
  while (my $line = <$from>) {
    print $line;
    $ear->($line);
    chomp $line;
    $line =~ s/^P\d\d +(\w+): // ? ($error = $1 eq 'ERROR' ? $line : '') : $line =~ s/^\s+/ / && $error && ($error .= $line);
    $said = $error if $error;
  }
  return if close $from;
  return substr $said || 'pgbackrest ended with status ' . ($? >> 8), 0, 600;
}

sub backup {
  my $type = shift;
  my $begun = time;
  my $wrong = told(sub { }, "--type=$type", 'backup');
  end(ok => JSON::PP::false, error => $wrong) if $wrong;
  my $info = info() or end(ok => JSON::PP::false, error => 'the backup is done, and its repository cannot be read');
  my $last = $info->{backup}[-1];
  end(ok => JSON::PP::true, label => $last->{label}, type => $last->{type}, seconds => time - $begun,
    database_bytes => $last->{info}{size}, repository_bytes => $last->{info}{repository}{delta});
}

# It ends with status 0 and "completed successfully" whatever it finds: only what it prints counts.
sub verify {
  my (@said, $well);
  my $wrong = told(sub {
    my $line = shift;
    $well = 1 if $line =~ /^\s*status: ok\s*$/;
    my $word = $line =~ s/^P\d\d +\w+: |^\s+|\s+$//gr;
    push @said, $word if !grep({ $_ eq $word } @said) && $line =~ /invalid result|invalid checksum|invalid size|status: (?!ok|valid)|\b(?:missing|invalid|other): [1-9]/;
  }, qw(verify --output=text --verbose));
  $wrong ||= substr join('; ', @said) || 'nothing was said about its state', 0, 600 if @said || !$well;
  end($wrong ? (ok => JSON::PP::false, error => $wrong) : (ok => JSON::PP::true));
}

my %does = (
  (map { my $type = $_; $type => sub { backup($type) } } qw(full diff incr)),
  info => sub {
    my $info = info() or end(ok => JSON::PP::false, error => 'the repository cannot be read');
    end(ok => JSON::PP::true, info => $info);
  },
  verify => \&verify,
);

local $SIG{ALRM} = sub { end(ok => JSON::PP::false, error => 'nothing was asked for') };
alarm 10;
my $word = <STDIN> // '';
alarm 0;
$word =~ s/\s+\z//;
my $do = $does{$word} or end(ok => JSON::PP::false, error => 'it must be full, diff, incr, info or verify');
$do->();
