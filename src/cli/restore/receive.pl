# Takes a part of a set from a port of this host. A line of JSON for each file, then its bytes; at the end a line that says so.
#   receive PORT unpack FOLDER   into files, each checked against its digest
#   receive PORT pass            as it comes, to a program
# The first line of standard input is the word that the other end wants to hear.
use strict;
use warnings;
use Digest::SHA;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IO::Socket::INET;
use JSON::PP;

my ($port, $mode, $folder) = @ARGV;
my $word = <STDIN>;
my $in = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 30) or die "nobody sends: $@\n";
$in->autoflush(1);
print {$in} $word;
binmode $in;
binmode STDOUT;
my ($count, $end) = (0, undef);
while (defined(my $line = <$in>)) {
  my $head = eval { decode_json($line) } or die "what came cannot be read\n";
  if (exists $head->{end}) { $end = $head->{end}; last }
  my ($path, $left) = ($head->{path}, $head->{size});
  die "`$path` is no name of a file\n" if $path =~ m{\A/} || grep { $_ eq '..' || $_ eq '' } split m{/}, $path, -1;
  my ($out, $sha) = (\*STDOUT, Digest::SHA->new(256));
  if ($mode eq 'unpack') {
    make_path(dirname("$folder/$path"));
    open $out, '>:raw', "$folder/$path" or die "$folder/$path: $!\n";
  } else {
    print $line;
  }
  while ($left > 0) {
    my $got = read $in, my $chunk, $left < 262144 ? $left : 262144;
    die "the other end broke off within `$path`\n" unless $got;
    $sha->add($chunk);
    print {$out} $chunk or die "`$path`: $!\n";
    $left -= $got;
  }
  if ($mode eq 'unpack') { close $out or die "`$path`: $!\n" }
  die "`$path` came damaged\n" if defined $head->{sha256} && $sha->hexdigest ne $head->{sha256};
  $count++;
}
die "the other end broke off after $count files\n" unless defined $end && $end == $count;
print encode_json({ end => $count }), "\n" if $mode eq 'pass';
